#include "meter/polled_sensor.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPeriodsToStale = 5;
constexpr auto kLeastStale = std::chrono::seconds(5);

class PolledSensor final : public EnergySensor {
 public:
  explicit PolledSensor(std::unique_ptr<EnergySensor> sensor)
      : sensor_(std::move(sensor)),
        facts_(sensor_->facts()),
        thread_([this](const std::stop_token& stop) { poll(stop); }) {}

  const SensorFacts& facts() const override { return facts_; }
  Result<EnergyReading> read() override {
    const std::lock_guard lock(mutex_);
    if (!latest_) return std::unexpected(problem_);
    const auto stale = std::max<Clock::duration>(
        kLeastStale, kPeriodsToStale * std::chrono::milliseconds(facts_.period_ms));
    if (Clock::now() - latest_->at <= stale) return *latest_;
    return fail("{}; no reading for {:.0f} s", problem_.message,
                std::chrono::duration<double>(Clock::now() - latest_->at).count());
  }

 private:
  void poll(const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "sensor");
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      lock.unlock();
      const auto begin = Clock::now();
      Result<EnergyReading> reading = sensor_->read();
      lock.lock();
      if (reading) {
        latest_ = *reading;
      } else {
        problem_ = std::move(reading).error();
      }
      wake_.wait_until(lock, stop, begin + std::chrono::milliseconds(facts_.period_ms),
                       [] { return false; });
    }
  }

  std::unique_ptr<EnergySensor> sensor_;
  const SensorFacts facts_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<EnergyReading> latest_;  // the last good one
  Error problem_{facts_.what + " has not answered yet"};
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<EnergySensor> polled(std::unique_ptr<EnergySensor> sensor) {
  if (sensor->facts().period_ms <= kPromptSensorMs) return sensor;
  return std::make_unique<PolledSensor>(std::move(sensor));
}

}  // namespace jevons
