// How the next token is chosen, as plain data. Filters apply in the order of the fields:
// bias and penalties on logits, temperature, top-k, top-p, min-p, then one draw.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"

namespace jevons {

struct SamplingParams {
  float temperature = 1.0F;         // 0: greedy, the filters below have no effect
  int top_k = 40;                   // 0: off
  float top_p = 0.95F;              // 1: off
  float min_p = 0.0F;               // 0: off; relative to the most likely token
  float repetition_penalty = 1.0F;  // 1: off; divides positive logits, multiplies negative ones
  float presence_penalty = 0.0F;    // subtracted once from every token seen in the answer
  float frequency_penalty = 0.0F;   // subtracted once for each time it was seen in the answer
  int penalty_window = 256;         // tokens before the next one that repetition_penalty looks at
  std::vector<std::pair<std::int32_t, float>> logit_bias;
  std::optional<std::uint64_t> seed;  // nothing: a fresh one each time, reported back
};

/// Errors name the field, its value and its range.
[[nodiscard]] Result<void> validate(const SamplingParams& params);

}  // namespace jevons
