// What a model file is, in a few words and in one hash. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "model/model.h"
#include "model/open_model.h"

namespace jevons {

struct ModelIdentity {
  std::string quantisation;  // the type of most bytes: "Q4_K"
  std::uint64_t n_parameters = 0;
  std::uint64_t weight_bytes = 0;  // of all tensors
};

[[nodiscard]] ModelIdentity identify(const OpenModel& model);

/// Changes with what changes keys, values or logits: the version of the arithmetic, the KV type,
/// and of the file its size, its metadata, the table of its tensors and samples of their bytes
/// (every tensor's beginning, middle and end, 256 bytes each; not the whole file, which would have
/// to be read). The vocabulary is left out of nothing: it is metadata. 64 hexadecimal digits.
[[nodiscard]] std::string model_fingerprint(const OpenModel& model, kernels::KvFormat kv_format);

}  // namespace jevons
