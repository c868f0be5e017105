// What every token reads besides its experts, read into memory of its own: attention, norms,
// routers and head. So nothing of a pass touches the mapped file, whose pages the system may take
// away, and whose end may be cut off, at any moment. Of the embedding a token reads a single row:
// embedding_file.h does, and it is here only where it is the head too. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/result.h"
#include "weights/m2_weights.h"

namespace jevons {

class ModelFile;

struct DenseCore {
  AlignedBuffer bytes;
  M2Weights weights;  // all but experts and, if it is not the head, embedding point into `bytes`

  /// Errors are those of the disk reader.
  [[nodiscard]] static Result<DenseCore> read(const ModelFile& file, const M2Weights& weights);

  /// Memory that it takes.
  [[nodiscard]] static std::uint64_t size_bytes(const ModelFile& file, const M2Weights& weights);
};

}  // namespace jevons
