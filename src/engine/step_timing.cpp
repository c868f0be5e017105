#include "engine/step_timing.h"

#include <algorithm>
#include <cmath>

namespace jevons {

SliceSizer::SliceSizer(double slice_ms, int max_tokens)
    : slice_ms_(slice_ms), max_tokens_(std::max(1, max_tokens)) {}

void SliceSizer::Cost::record(double measured) {
  if (ms_per_token > 0 && measured < ms_per_token) measured = (measured + ms_per_token) / 2;
  ms_per_token = measured;
}

void SliceSizer::record(const StepFacts& step) {
  if (step.n_prompt_tokens == 0) {
    constexpr double kWeight = 0.2;
    decode_ms_ = decode_ms_ == 0 ? step.ms : decode_ms_ + kWeight * (step.ms - decode_ms_);
    return;
  }
  // The few tokens at a prompt's end cost more each, which says nothing about the next slice.
  const bool known = (step.n_decoded == 0 ? alone_ : beside_).ms_per_token > 0;
  const int least = std::min(kLeastTokens, max_tokens_);
  if (step.n_prompt_tokens < std::max(least, known ? n_tokens(step.n_decoded) / 2 : 0)) return;
  if (step.n_decoded == 0) return alone_.record(step.ms / step.n_prompt_tokens);
  // Some of the time is the prompt's even where decoding alone was measured slower.
  const double extra = std::max(step.ms - decode_ms_, step.ms / 20);
  beside_.record(extra / step.n_prompt_tokens);
}

int SliceSizer::n_tokens(int n_decoding) const {
  const bool alone = n_decoding == 0;
  const double own = (alone ? alone_ : beside_).ms_per_token;
  // Short slices cost more for each token than the long ones that were measured alone.
  constexpr double kCaution = 2;
  const double guess = alone ? beside_.ms_per_token : kCaution * alone_.ms_per_token;
  const double cost = own > 0 ? own : guess;
  const int least = std::min(kLeastTokens, max_tokens_);
  // Before anything was measured: enough to measure.
  if (cost == 0) return std::min(4 * kLeastTokens, max_tokens_);
  // Steps of one size differ by some per cent, and a token costs more the deeper its prompt is.
  constexpr double kAim = 0.85;
  const double fits = (alone ? kAloneMs : kAim * slice_ms_) / cost;
  return fits >= max_tokens_ ? max_tokens_ : std::max(least, static_cast<int>(fits));
}

void SpeedMeter::record(int n_tokens, double ms) {
  constexpr double kHalfLifeSeconds = 10;
  const double seconds = ms / 1000;
  const double decay = std::exp2(-seconds / kHalfLifeSeconds);
  n_tokens_ = n_tokens_ * decay + n_tokens;
  seconds_ = seconds_ * decay + seconds;
}

double SpeedMeter::tokens_per_s() const { return seconds_ > 0 ? n_tokens_ / seconds_ : 0; }

}  // namespace jevons
