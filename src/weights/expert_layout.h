// Where the experts of a model lie on disk, and how one of them lies in memory once it was read: a
// frame holds its gate, up and down projections one after the other, each as the aligned piece of
// the file that has it. Immutable; any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weights/file_place.h"
#include "weights/m2_weights.h"

namespace jevons {

inline constexpr std::size_t kExpertParts = 3;  // gate, up, down

struct ExpertPart {
  FilePlace place;
  std::size_t n_bytes;
  std::size_t frame_offset;  // of the piece's buffer
  std::size_t data_offset;   // in the frame, of the first byte that was asked for
};

/// Layers whose experts take the same memory: their frames are interchangeable.
struct FrameClass {
  std::size_t frame_bytes;  // a multiple of kDirectAlignment
  int n_layers;
};

class ExpertLayout {
 public:
  explicit ExpertLayout(const M2Weights& weights);

  [[nodiscard]] int n_layers() const { return static_cast<int>(layers_.size()); }
  [[nodiscard]] int n_experts() const { return n_experts_; }
  [[nodiscard]] std::array<ExpertPart, kExpertParts> parts(int layer, int expert) const;
  [[nodiscard]] std::size_t frame_bytes(int layer) const;
  /// Of one expert on disk, without what alignment adds.
  [[nodiscard]] std::size_t expert_bytes(int layer) const;
  [[nodiscard]] std::span<const FrameClass> classes() const { return classes_; }
  /// Index into classes().
  [[nodiscard]] int frame_class(int layer) const {
    return layers_[static_cast<std::size_t>(layer)].frame_class;
  }

 private:
  struct Part {
    FilePlace first;      // of expert 0
    std::size_t stride;   // to the next expert's
    std::size_t n_bytes;  // of one expert's
    std::size_t frame_offset;
  };
  struct Layer {
    std::array<Part, kExpertParts> parts;
    int frame_class;
  };

  int n_experts_;
  std::vector<Layer> layers_;
  std::vector<FrameClass> classes_;
};

}  // namespace jevons
