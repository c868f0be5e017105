#include "api/request_headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::size_t kLongestRequestId = 128;
constexpr std::size_t kIdLength = 24;
constexpr std::size_t kLongestAgent = 64;

bool is_fit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == ':';
}

std::unexpected<ApiError> refuse(std::string message, std::string param) {
  return std::unexpected(ApiError{.message = std::move(message), .param = std::move(param)});
}

}  // namespace

std::string random_id() {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  thread_local std::random_device device;
  std::uniform_int_distribution<std::size_t> letter(0, kLetters.size() - 1);
  std::string id;
  for (std::size_t i = 0; i < kIdLength; ++i) id += kLetters[letter(device)];
  return id;
}

std::string_view presented_key(const HttpRequest& request) {
  if (const std::string* header = request.header("authorization")) {
    std::string_view value = *header;
    constexpr std::string_view kBearer = "bearer ";
    if (value.size() > kBearer.size() &&
        equals_ignoring_case(value.substr(0, kBearer.size()), kBearer)) {
      value.remove_prefix(kBearer.size());
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      return value;
    }
  }
  if (const std::string* header = request.header("x-api-key")) return *header;
  return {};
}

std::string request_id_of(const HttpRequest& request) {
  const std::string* given = request.header("x-request-id");
  if (given != nullptr && !given->empty() && given->size() <= kLongestRequestId &&
      std::all_of(given->begin(), given->end(), is_fit)) {
    return *given;
  }
  return "req_" + random_id();
}

std::expected<Caller, ApiError> caller_of(const HttpRequest& request, const std::string& peer,
                                          const ApiKey* key) {
  Caller caller;
  caller.client = peer;
  // Programs on one machine take turns, too.
  if (const std::string* agent = request.header("user-agent")) {
    caller.client += ' ';
    caller.client += utf8_sanitize(agent->substr(0, kLongestAgent));
  }
  for (const char* header : {"x-jevons-client", "user-agent"}) {
    const std::string* name = request.header(header);
    if (name == nullptr || name->empty()) continue;
    caller.program = utf8_sanitize(name->substr(0, kLongestAgent));
    break;
  }
  if (key != nullptr) {
    caller.key_name = key->name;
    caller.cache_scope = key->name;
    caller.client = key->name;
    caller.default_priority = key->priority;
    caller.max_tokens = key->max_tokens;
  }
  if (const std::string* priority = request.header("x-jevons-priority")) {
    if (*priority != "interactive" && *priority != "background") {
      return refuse(fmt::format("x-jevons-priority is '{}', and must be interactive or background",
                                utf8_sanitize(*priority)),
                    "x-jevons-priority");
    }
    caller.priority = *priority == "background" ? Priority::kBackground : Priority::kInteractive;
  }
  if (const std::string* seconds = request.header("x-jevons-deadline-seconds")) {
    double value = 0;
    const char* end = seconds->data() + seconds->size();
    const auto [stop, problem] = std::from_chars(seconds->data(), end, value);
    if (problem != std::errc{} || stop != end || !(value > 0)) {
      return refuse(fmt::format("x-jevons-deadline-seconds is '{}', and must be a number above 0",
                                utf8_sanitize(*seconds)),
                    "x-jevons-deadline-seconds");
    }
    caller.deadline_s = value;
  }
  return caller;
}

}  // namespace jevons
