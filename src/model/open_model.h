// A model file opened for computing: mapping, typed tensors and vocabulary together.
// Immutable; any thread may read.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/vocabulary.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"

namespace jevons {

struct OpenModel {
  std::unique_ptr<ModelFile> file;  // owns what `weights` points into
  M2Weights weights;

  /// Errors name the file and what is wrong in it.
  [[nodiscard]] static Result<OpenModel> open(const std::string& path);

  /// The tokens, as the file declares them; checked against the shape of the network.
  [[nodiscard]] Result<Vocabulary> vocabulary() const;
};

}  // namespace jevons
