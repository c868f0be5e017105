// A published checkpoint as the source of a conversion: the official tensor names, the tokenizer's
// files and the sampling defaults beside the weights. Any thread may call.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "convert/weight_source.h"

namespace jevons {

[[nodiscard]] Result<std::unique_ptr<WeightSource>> open_checkpoint_source(
    const std::string& folder);

/// The name in an M2 checkpoint of what `tensor` is made from; for expert matrices that of expert
/// `expert`. Empty for a tensor that no checkpoint has, such as fused experts.
[[nodiscard]] std::string checkpoint_name(const M2Tensor& tensor, int expert);

}  // namespace jevons
