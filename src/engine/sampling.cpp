#include "engine/sampling.h"

namespace jevons {

Result<void> validate(const SamplingParams& params) {
  const auto in_range = [](const char* name, double value, double low,
                           double high) -> Result<void> {
    if (value >= low && value <= high) return {};
    return fail("{} is {}, and must be between {} and {}", name, value, low, high);
  };
  JEVONS_TRY(in_range("temperature", params.temperature, 0, 100));
  JEVONS_TRY(in_range("top_k", params.top_k, 0, 1e9));
  JEVONS_TRY(in_range("top_p", params.top_p, 0, 1));
  JEVONS_TRY(in_range("min_p", params.min_p, 0, 1));
  JEVONS_TRY(in_range("repetition_penalty", params.repetition_penalty, 0.01, 100));
  JEVONS_TRY(in_range("presence_penalty", params.presence_penalty, -100, 100));
  JEVONS_TRY(in_range("frequency_penalty", params.frequency_penalty, -100, 100));
  JEVONS_TRY(in_range("penalty_window", params.penalty_window, 0, 1e6));
  for (const auto& [id, bias] : params.logit_bias) {
    JEVONS_TRY(in_range("logit_bias", bias, -1000, 1000));
  }
  return {};
}

}  // namespace jevons
