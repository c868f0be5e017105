#include "app/answer_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

double per_second(int n, double ms) { return ms > 0 ? n * 1000.0 / ms : 0.0; }

double rounded(double value, double step) { return std::round(value / step) * step; }

std::string speed(int n, double ms) {
  const double tokens_per_second = per_second(n, ms);
  return fmt::format("{:.{}f}/s", tokens_per_second, tokens_per_second < 100 ? 1 : 0);
}

Json call_json(const Answer::Call& call) {
  Json json;
  json["id"] = call.call.id;
  json["name"] = utf8_sanitize(call.call.name);
  json["arguments"] = Json::parse(call.call.arguments, nullptr, false);
  if (json["arguments"].is_discarded()) json["arguments"] = utf8_sanitize(call.call.arguments);
  if (call.result) json["result"] = utf8_sanitize(*call.result);
  return json;
}

}  // namespace

std::string speed_line(const Answer& answer) {
  const int n_read = answer.n_prompt_tokens - answer.n_cached_tokens;
  std::string cached;
  if (answer.n_cached_tokens > 0) cached = fmt::format(" ({} cached)", answer.n_cached_tokens);
  return fmt::format("prompt {} tokens{}, {}; answer {}, {}", answer.n_prompt_tokens, cached,
                     speed(n_read, answer.prompt_ms), answer.n_generated_tokens,
                     speed(answer.n_generated_tokens, answer.generation_ms));
}

std::string energy_line(const Answer& answer) {
  if (!answer.energy) return "";
  const EnergyUse& use = *answer.energy;
  std::string line = fmt::format("energy {:.3g} J ({:.3g} Wh", use.joules, use.watt_hours());
  if (use.marginal_joules) line += fmt::format(", {:.3g} J above idle", *use.marginal_joules);
  line += ")";
  if (use.cost) line += fmt::format(", {:.3g} {}", *use.cost, answer.currency);
  line += "; " + use.confidence;
  if (use.source != use.confidence) line += ", by " + use.source;
  return line;
}

std::string context_line(int n_used, int n_context) {
  return fmt::format("context {}/{}", n_used, n_context);
}

std::string answer_json(const Answer& answer, const ModelFacts& facts) {
  Json json;
  json["text"] = utf8_sanitize(answer.text);
  json["reasoning"] = utf8_sanitize(answer.reasoning);
  json["tool_calls"] = Json::array();
  for (const Answer::Call& call : answer.calls) json["tool_calls"].push_back(call_json(call));
  json["tokens"] = {{"prompt", answer.n_prompt_tokens},
                    {"cached", answer.n_cached_tokens},
                    {"completion", answer.n_generated_tokens}};
  const int n_read = answer.n_prompt_tokens - answer.n_cached_tokens;
  json["timings"] = {{"prompt_ms", rounded(answer.prompt_ms, 0.001)},
                     {"generation_ms", rounded(answer.generation_ms, 0.001)},
                     {"prompt_per_second", rounded(per_second(n_read, answer.prompt_ms), 0.01)},
                     {"generation_per_second",
                      rounded(per_second(answer.n_generated_tokens, answer.generation_ms), 0.01)}};
  if (answer.energy) {
    const EnergyUse& use = *answer.energy;
    Json energy{{"joules", use.joules}, {"watt_hours", use.watt_hours()}};
    if (use.marginal_joules) energy["marginal_joules"] = *use.marginal_joules;
    if (use.cost) {
      energy["cost"] = *use.cost;
      energy["currency"] = utf8_sanitize(answer.currency);
    }
    energy["source"] = use.source;
    energy["confidence"] = use.confidence;
    json["energy"] = std::move(energy);
  }
  json["stop_reason"] = stop_reason_name(answer.stop_reason);
  json["seed"] = answer.seed;
  json["model"] = utf8_sanitize(facts.name);
  json["warnings"] = Json::array();
  for (const std::string& warning : answer.warnings) {
    json["warnings"].push_back(utf8_sanitize(warning));
  }
  return json.dump(2);
}

}  // namespace jevons
