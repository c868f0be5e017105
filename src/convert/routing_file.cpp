#include "convert/routing_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "convert/routing_lines.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;
using Choice = std::vector<std::int32_t>;         // [n_used]
using Layers = std::vector<std::vector<Choice>>;  // [layer][token]

Result<std::int32_t> whole_number(const Json& json, std::int64_t limit, const std::string& where) {
  if (!json.is_number_integer()) return fail("{} must be a whole number", where);
  const auto value = json.get<std::int64_t>();
  if (value < 0 || value >= limit) {
    return fail("{} is {}, and must be below {}", where, value, limit);
  }
  return static_cast<std::int32_t>(value);
}

Result<Choice> read_choice(const Json& json, const ModelConfig& config, const std::string& where) {
  if (!json.is_array() || json.size() != static_cast<std::size_t>(config.n_experts_used)) {
    return fail("{} must be a list of {} experts", where, config.n_experts_used);
  }
  Choice choice;
  for (const Json& expert : json) {
    JEVONS_ASSIGN(const std::int32_t index, whole_number(expert, config.n_experts, where));
    if (std::find(choice.begin(), choice.end(), index) != choice.end()) {
      return fail("{} names expert {} twice", where, index);
    }
    choice.push_back(index);
  }
  return choice;
}

Result<Layers> read_experts(const Json& experts, const ModelConfig& config) {
  Layers layers;
  if (!experts.is_array()) return fail("experts must be a list");
  for (std::size_t layer = 0; layer < experts.size(); ++layer) {
    auto& tokens = layers.emplace_back();
    if (!experts[layer].is_array()) return fail("experts[{}] must be a list", layer);
    for (std::size_t token = 0; token < experts[layer].size(); ++token) {
      JEVONS_ASSIGN(Choice choice, read_choice(experts[layer][token], config,
                                               fmt::format("experts[{}][{}]", layer, token)));
      tokens.push_back(std::move(choice));
    }
  }
  return layers;
}

Result<Layers> read_sequence(const Json& sequence, const ModelConfig& config) {
  Layers layers(static_cast<std::size_t>(config.n_layers));
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const Json& entry = sequence[i];
    const std::string where = fmt::format("seq[{}]", i);
    if (!entry.is_array() || entry.size() != 2 || !entry[1].is_array()) {
      return fail("{} must be [layer, [experts]]", where);
    }
    JEVONS_ASSIGN(const std::int32_t layer, whole_number(entry[0], config.n_layers, where));
    if (entry[1].size() > static_cast<std::size_t>(config.n_experts_used)) continue;
    JEVONS_ASSIGN(Choice choice, read_choice(entry[1], config, where));
    layers[static_cast<std::size_t>(layer)].push_back(std::move(choice));
  }
  return layers;
}

Result<RoutingTrace> trace_of(const Layers& layers, const ModelConfig& config) {
  if (layers.size() != static_cast<std::size_t>(config.n_layers)) {
    return fail("the recording has {} layers, and the model {}", layers.size(), config.n_layers);
  }
  const std::size_t n_tokens = layers.front().size();
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    if (layers[layer].size() != n_tokens || n_tokens == 0) {
      return fail("layer {} has {} tokens, and layer 0 has {}", layer, layers[layer].size(),
                  n_tokens);
    }
  }
  RoutingTrace trace =
      RoutingTrace::sized(config.n_layers, static_cast<int>(n_tokens), config.n_experts_used);
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    for (int token = 0; token < trace.n_tokens; ++token) {
      const Choice& choice =
          layers[static_cast<std::size_t>(layer)][static_cast<std::size_t>(token)];
      std::copy(choice.begin(), choice.end(), trace.at(layer, token));
    }
  }
  return trace;
}

Result<RoutingTrace> parse_routing(const std::string& text, const ModelConfig& config) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return fail("it is empty");
  if (text[first] == '[') return parse_routing_lines(text, config);
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail("it is not a JSON object");
  if (const auto experts = json.find("experts"); experts != json.end()) {
    JEVONS_ASSIGN(const Layers layers, read_experts(*experts, config));
    return trace_of(layers, config);
  }
  if (const auto sequence = json.find("seq"); sequence != json.end() && sequence->is_array()) {
    JEVONS_ASSIGN(const Layers layers, read_sequence(*sequence, config));
    return trace_of(layers, config);
  }
  return fail("it has neither \"experts\" nor \"seq\"");
}

}  // namespace

Result<RoutingTrace> read_routing(const std::string& path, const ModelConfig& config) {
  JEVONS_ASSIGN(const std::string text, read_file(path));
  Result<RoutingTrace> trace = parse_routing(text, config);
  if (!trace) return fail("{} is no recorded routing: {}", path, trace.error().message);
  return trace;
}

Result<void> write_routing(const std::string& path, const RoutingTrace& trace) {
  Json experts = Json::array();
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    Json tokens = Json::array();
    for (int token = 0; token < trace.n_tokens; ++token) {
      const std::int32_t* chosen = trace.at(layer, token);
      tokens.push_back(Json(std::vector<std::int32_t>(chosen, chosen + trace.n_used)));
    }
    experts.push_back(std::move(tokens));
  }
  const Json json = {
      {"n_layers", trace.n_layers}, {"n_used", trace.n_used}, {"experts", std::move(experts)}};
  return write_file_atomically(path, json.dump() + "\n");
}

}  // namespace jevons
