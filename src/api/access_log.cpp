#include "api/access_log.h"

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <memory>
#include <string_view>

#include "base/utf8.h"
#include "text/json_value.h"

namespace jevons {
namespace {

constexpr std::size_t kLongestPath = 200;

// Records as JSON objects. A request's record brings its own fields and is marked by its logger.
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    head_.format(message, out);
    const std::string_view payload(message.payload.data(), message.payload.size());
    const std::string rest =
        message.logger_name == kRequests
            ? fmt::format("{}}}\n", payload)
            : fmt::format("\"message\":{}}}\n", json_string(utf8_sanitize(payload)));
    out.append(rest.data(), rest.data() + rest.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
  static constexpr const char* kRequests = "requests";

 private:
  spdlog::pattern_formatter head_{R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",)",
                                  spdlog::pattern_time_type::local, ""};
};

std::string path_of(const HttpExchange& exchange) {
  const std::string& path = exchange.request.path;
  return utf8_sanitize(std::string_view(path).substr(0, kLongestPath));
}

std::shared_ptr<spdlog::logger>& request_logger() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

}  // namespace

void set_up_log(bool as_json) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (as_json) {
    sink->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    sink->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  }
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("", sink));
  request_logger() = std::make_shared<spdlog::logger>(JsonFormatter::kRequests, sink);
}

std::string access_line(const HttpExchange& exchange, const RequestRecord& record, double seconds) {
  std::string line =
      fmt::format("{} {} {}", utf8_sanitize(exchange.request.method), path_of(exchange),
                  exchange.status == 0 ? "left" : std::to_string(exchange.status));
  const auto out = std::back_inserter(line);
  if (!record.key_name.empty()) fmt::format_to(out, " key={}", record.key_name);
  if (record.is_generation) {
    fmt::format_to(out, " prompt={} cached={} out={}", record.n_prompt_tokens,
                   record.n_cached_tokens, record.n_answer_tokens);
    if (record.first_token_ms) fmt::format_to(out, " ttft={:.0f}ms", *record.first_token_ms);
  }
  fmt::format_to(out, " time={:.3f}s", seconds);
  if (!record.stop_reason.empty()) fmt::format_to(out, " stop={}", record.stop_reason);
  fmt::format_to(out, " id={} peer={}", record.request_id, exchange.peer);
  if (!record.error.empty()) {
    fmt::format_to(out, " error={}", json_string(utf8_sanitize(record.error)));
  }
  if (!record.prompt_text.empty()) {
    fmt::format_to(out, " prompt_text={} answer_text={}",
                   json_string(utf8_sanitize(record.prompt_text)),
                   json_string(utf8_sanitize(record.answer_text)));
  }
  return line;
}

std::string access_json(const HttpExchange& exchange, const RequestRecord& record, double seconds) {
  std::string json = fmt::format(
      R"("method":{},"path":{},"status":{},"seconds":{:.6f},"id":{},"peer":{})",
      json_string(utf8_sanitize(exchange.request.method)), json_string(path_of(exchange)),
      exchange.status, seconds, json_string(record.request_id), json_string(exchange.peer));
  const auto out = std::back_inserter(json);
  const auto add_text = [&](const char* name, const std::string& text) {
    if (!text.empty()) fmt::format_to(out, ",\"{}\":{}", name, json_string(utf8_sanitize(text)));
  };
  add_text("key", record.key_name);
  if (record.is_generation) {
    fmt::format_to(out, R"(,"prompt_tokens":{},"cached_tokens":{},"answer_tokens":{})",
                   record.n_prompt_tokens, record.n_cached_tokens, record.n_answer_tokens);
    if (record.first_token_ms) {
      fmt::format_to(out, R"(,"first_token_ms":{:.3f})", *record.first_token_ms);
    }
  }
  add_text("stop", record.stop_reason);
  add_text("error", record.error);
  add_text("prompt_text", record.prompt_text);
  add_text("answer_text", record.answer_text);
  return json;
}

void log_access(const HttpExchange& exchange, const RequestRecord& record, double seconds,
                bool as_json) {
  const auto& logger = request_logger();
  if (logger == nullptr) return;  // a program that set up no log wants none
  const bool failed_late = exchange.status == 200 && !record.error.empty();
  const bool is_bad = exchange.status >= 500 || failed_late;
  const auto level = is_bad ? spdlog::level::warn : spdlog::level::info;
  logger->log(
      level, "{}",
      as_json ? access_json(exchange, record, seconds) : access_line(exchange, record, seconds));
}

}  // namespace jevons
