// How long steps take, and from that how much of a prompt may go into the next one. One thread.
#pragma once

namespace jevons {

/// One pass through the network, as it was measured.
struct StepFacts {
  int n_decoded = 0;        // tokens of answers
  int n_prompt_tokens = 0;  // tokens of prompts
  double ms = 0;
};

/// Sizes slices of prompt work so that the extra time they take beside decoding stays within a
/// bound. The cost of a prompt token is what was measured lately: a costlier step counts at once, a
/// cheaper one by half, so that a slice is too short for a while rather than too long.
class SliceSizer {
 public:
  /// slice_ms: beside sequences that write answers. max_tokens: of one step.
  SliceSizer(double slice_ms, int max_tokens);

  void record(const StepFacts& step);
  /// Prompt tokens for the next step.
  [[nodiscard]] int n_tokens(int n_decoding) const;

  /// Work that has a kernel's tile to fill costs little more than a single token.
  static constexpr int kLeastTokens = 16;
  /// Without anybody who writes, a step may take this long: new work and cancellation wait for it.
  static constexpr double kAloneMs = 800;

 private:
  struct Cost {
    double ms_per_token = 0;  // 0: not measured
    void record(double measured);
  };
  double slice_ms_;
  int max_tokens_;
  Cost alone_, beside_;
  double decode_ms_ = 0;  // a step without prompt work
};

/// Tokens per second of late: old steps count less and less.
class SpeedMeter {
 public:
  void record(int n_tokens, double ms);
  /// 0 before the first.
  [[nodiscard]] double tokens_per_s() const;

 private:
  double n_tokens_ = 0;
  double seconds_ = 0;
};

}  // namespace jevons
