// Any bytes as a recorded routing, in each of its forms. What is accepted names experts that are
// there, none twice for a token.
#include <cstddef>
#include <cstdint>
#include <set>

#include "base/check.h"
#include "convert/routing_file.h"
#include "fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const jevons::MemoryFile file;
  jevons::ModelConfig config;
  config.n_layers = 3;
  config.n_experts = 8;
  config.n_experts_used = 2;
  file.set(data, size);
  const auto trace = jevons::read_routing(file.path(), config);
  if (!trace) return 0;
  JEVONS_CHECK(trace->n_layers == config.n_layers && trace->n_used == config.n_experts_used);
  for (int layer = 0; layer < trace->n_layers; ++layer) {
    for (int token = 0; token < trace->n_tokens; ++token) {
      if (!trace->has(layer, token)) continue;
      const std::int32_t* chosen = trace->at(layer, token);
      const std::set<std::int32_t> experts(chosen, chosen + trace->n_used);
      JEVONS_CHECK(experts.size() == static_cast<std::size_t>(trace->n_used));
      JEVONS_CHECK(*experts.begin() >= 0 && *experts.rbegin() < config.n_experts);
    }
  }
  return 0;
}
