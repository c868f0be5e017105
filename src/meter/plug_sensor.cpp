#include "meter/plug_sensor.h"

#include <curl/curl.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

namespace jevons {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{64} << 10;

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Anything but n_bytes ends the transfer.
std::size_t take_bytes(char* bytes, std::size_t size, std::size_t n, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size * n > kLongestAnswer) return 0;
  text.append(bytes, size * n);
  return size * n;
}

class PlugSensor final : public EnergySensor {
 public:
  PlugSensor(PlugAddress address, const PlugTimes& times, CURL* easy)
      : address_(std::move(address)), easy_(easy) {
    facts_.name = address_.name;
    facts_.what = address_.place;
    facts_.coverage = EnergyCoverage::kHost;
    // Always by a thread of its own: the network may take its time.
    facts_.period_ms = std::max(kPromptSensorMs + 1, static_cast<int>(times.period.count()));
    curl_easy_setopt(easy, CURLOPT_URL, address_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(times.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "jevons");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body_);
    // A plug is in the house; what a proxy of the environment says is for the world.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    headers_.reset(curl_slist_append(nullptr, "Accept: application/json"));
    if (!address_.token.empty()) {
      const std::string line = "Authorization: Bearer " + address_.token;
      headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  }

  const SensorFacts& facts() const override { return facts_; }
  Result<EnergyReading> read() override {
    body_.clear();
    const CURLcode code = curl_easy_perform(easy_.get());
    if (code == CURLE_WRITE_ERROR) {
      return fail("{} answered with more than {} bytes", address_.place, kLongestAnswer);
    }
    if (code != CURLE_OK) return fail("{}: {}", address_.place, curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
      return fail("{} answered with status {}{}", address_.place, status,
                  status == 401 || status == 403 ? " (does it want --energy-token?)" : "");
    }
    JEVONS_ASSIGN(const EnergyReading reading, read_plug_answer(address_, body_));
    if (reading.quantity == EnergyReading::Quantity::kJoules) {
      const double before = std::exchange(last_joules_, reading.value);
      if (reading.value < before) {
        return fail("{}: its energy fell from {:.0f} to {:.0f} J", address_.place, before,
                    reading.value);
      }
    }
    return reading;
  }

 private:
  PlugAddress address_;
  SensorFacts facts_;
  std::unique_ptr<CURL, EasyCloser> easy_;
  std::unique_ptr<curl_slist, ListCloser> headers_;
  std::string body_;
  double last_joules_ = 0;
};

}  // namespace

Result<std::unique_ptr<EnergySensor>> open_plug(const PlugAddress& address,
                                                const PlugTimes& times) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CURL* easy = curl_easy_init();
  if (easy == nullptr) return fail("{}: libcurl cannot be used", address.place);
  return std::make_unique<PlugSensor>(address, times, easy);
}

}  // namespace jevons
