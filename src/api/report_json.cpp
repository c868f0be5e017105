#include "api/report_json.h"

#include <fmt/format.h>

#include <string_view>

#include "text/json_value.h"

namespace jevons {
namespace {

std::string cache_json(const GenerationReport& report) {
  const CacheReport& cache = report.cache;
  std::string json =
      fmt::format(R"({{"prompt_tokens":{},"cached_tokens":{},"disk_tokens":{})",
                  cache.n_prompt_tokens, cache.n_cached_tokens, cache.n_from_disk_tokens);
  if (cache.broke_at) {
    json += fmt::format(
        R"(,"broke_at":{{"token":{},"where":{},"cached":{},"prompt":{},"lost_tokens":{},)"
        R"("lost_seconds":{:.3f}}})",
        cache.broke_at->token_index, json_string(report.broke_where),
        json_string(report.cached_excerpt), json_string(report.prompt_excerpt),
        cache.broke_at->n_lost_tokens, cache.lost_seconds);
  }
  return json + "}";
}

std::string energy_json(const GenerationReport& report) {
  const EnergyUse& use = *report.energy;
  std::string json = fmt::format(R"(,"energy":{{"joules":{:.6g},"watt_hours":{:.6g})", use.joules,
                                 use.watt_hours());
  if (use.marginal_joules)
    json += fmt::format(R"(,"marginal_joules":{:.6g})", *use.marginal_joules);
  if (use.cost) {
    json += fmt::format(R"(,"cost":{:.6g},"currency":{})", *use.cost, json_string(report.currency));
  }
  return json + fmt::format(R"(,"source":{},"confidence":{}}})", json_string(use.source),
                            json_string(use.confidence));
}

}  // namespace

std::string report_json(const GenerationReport& report) {
  std::string json =
      fmt::format(R"({{"cache":{},"restored_reasonings":{},"queue_ms":{:.1f},"prompt_ms":{:.1f},)"
                  R"("generation_ms":{:.1f})",
                  cache_json(report), report.n_restored_reasonings, report.queue_ms,
                  report.prompt_ms, report.generation_ms);
  if (report.energy) json += energy_json(report);
  json += R"(,"warnings":[)";
  std::string_view separator;
  for (const std::string& warning : report.warnings) {
    json += separator;
    json += json_string(warning);
    separator = ",";
  }
  return json + "]}";
}

}  // namespace jevons
