// Which experts of a layer are worth their memory, by how often and how lately they were used. Pure
// arithmetic on counts, without memory or disk, so that a recorded routing can be replayed on it.
// One thread.
//
// The chance that an expert is used by the next token is estimated as a mix of two averages of its
// past use, one that forgets within a few tokens and one that forgets within a page of text: of
// M2.5, a token shares 33 % of its experts with the token before, but 20 % with one of 16 tokens
// ago (a recorded routing of 33 passes), so most of what repeats is a topic's taste. Each average
// weighs the tokens it has seen, so that it is right from the first one on. A prompt counts by how
// many of its tokens use an expert, not by whether any does: reading one leaves what is popular in
// place, where forgetting the least recently used would keep nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace jevons {

struct ExpertUse {
  int expert;
  int n_tokens;  // that chose it, at least 1, at most all of the pass
};

class ExpertPolicy {
 public:
  ExpertPolicy(int n_layers, int n_experts);

  [[nodiscard]] int n_layers() const { return n_layers_; }
  [[nodiscard]] int n_experts() const { return n_experts_; }

  /// One pass of `n_tokens` tokens through a layer, and all experts that they used.
  void note_pass(int layer, int n_tokens, std::span<const ExpertUse> used);

  /// Estimated chance that the layer's next token uses the expert; higher is worth more.
  [[nodiscard]] float score(int layer, int expert) const;

  /// [n_layers][n_experts]: the slow averages in [0, 1], to be kept between runs.
  [[nodiscard]] std::vector<float> export_popularity() const;
  /// Takes them back in place of all that is known; values outside [0, 1] or another number of them
  /// are refused, and change nothing. They count as a few tokens: the next session may be about
  /// something else.
  [[nodiscard]] Result<void> import_popularity(std::span<const float> popularity);

 private:
  struct Averages {
    float fast = 0, slow = 0;  // uses per token, as of the layer's last pass
  };
  [[nodiscard]] std::size_t at(int layer, int expert) const {
    return static_cast<std::size_t>(layer) * static_cast<std::size_t>(n_experts_) +
           static_cast<std::size_t>(expert);
  }

  int n_layers_, n_experts_;
  std::vector<Averages> averages_;  // [n_layers][n_experts]
  std::vector<Averages> known_;     // [n_layers]: weight of what they have seen, 0 nothing to 1
};

}  // namespace jevons
