#include "app/serve_options.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/engine_settings.h"
#include "app/quantity.h"
#include "base/atomic_file.h"

namespace jevons {
namespace {

constexpr std::uint64_t kLargestScript = std::uint64_t{64} << 20;

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return items;
}

// 0 for a setting that is not there.
Result<std::uint64_t> size_of(const char* flag, const std::string& text) {
  if (text.empty()) return 0;
  const auto size = parse_bytes(text);
  if (!size) return fail("{}: {}", flag, size.error().message);
  return *size;
}

}  // namespace

Result<ApiKeys> api_keys_of(const Settings& settings) {
  if (settings.api_key && settings.api_keys) {
    return fail("--api-key and --api-keys exclude each other");
  }
  if (settings.api_key) return ApiKeys::single(*settings.api_key);
  if (settings.api_keys) return ApiKeys::read(*settings.api_keys);
  return ApiKeys();
}

Result<ApiServerOptions> server_options(const Settings& settings, const std::string& model_path) {
  ApiServerOptions options;
  options.http.host = settings.host;
  options.http.port = settings.port;
  options.http.max_connections = settings.max_connections;
  JEVONS_ASSIGN(options.http.limits.body_bytes, size_of("--max-body", settings.max_body));
  if (options.http.limits.body_bytes == 0) return fail("--max-body must be above 0");
  options.http.tls_certificate = settings.tls_cert;
  options.http.tls_key = settings.tls_key;
  JEVONS_ASSIGN(options.keys, api_keys_of(settings));
  options.cors_origins = list_of(settings.cors_origin);
  options.allowed_hosts = list_of(settings.allowed_host);
  options.generation.share_system_prefix = settings.share_system_prefix;
  options.generation.keep_nonces = settings.keep_nonces;
  if (!settings.scripted_answers.empty()) {
    JEVONS_ASSIGN(const std::string text, read_file(settings.scripted_answers, kLargestScript));
    JEVONS_ASSIGN(ScriptedAnswers script, ScriptedAnswers::parse(text, settings.scripted_answers));
    options.script = std::make_shared<const ScriptedAnswers>(std::move(script));
  }
  // Not the folder: /health shows this to everyone.
  options.model_name = std::filesystem::path(model_path).filename().string();
  options.stored_responses = settings.responses_dir;
  options.stall_seconds = settings.stall_seconds;
  options.log_json = settings.log_json;
  options.log_content = settings.log_content;
  return options;
}

Result<EngineOptions> serving_engine_options(const Settings& settings,
                                             const std::string& model_path) {
  JEVONS_ASSIGN(EngineOptions options, engine_options(settings, model_path));
  options.n_parallel = settings.parallel;
  options.queue_length = settings.queue;
  options.slice_ms = settings.slice_ms;
  options.cache_dir = settings.cache_dir;
  JEVONS_ASSIGN(options.kv_memory_bytes, size_of("--cache-memory", settings.cache_memory));
  JEVONS_ASSIGN(options.cache_disk_bytes, size_of("--cache-size", settings.cache_size));
  JEVONS_ASSIGN(options.daily_write_bytes,
                size_of("--daily-write-limit", settings.daily_write_limit));
  return options;
}

}  // namespace jevons
