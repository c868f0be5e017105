// Any bytes as a model file: parsed, bound, summarised, its vocabulary read, and every byte that
// the parser vouches for touched.
#include <cstddef>
#include <cstdint>
#include <span>

#include "weights/gguf_vocabulary.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"
#include "weights/model_summary.h"

namespace {

unsigned touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
  return sum;
}

std::size_t walk(const jevons::GgufValue& value) {
  std::string encoded;
  value.append_encoded(encoded);
  std::size_t n = encoded.size() + value.describe().size();
  if (const auto texts = value.as_strings()) n += texts->size();
  if (const auto numbers = value.as_integers()) n += numbers->size();
  if (value.as_unsigned() && value.as_float()) ++n;
  for (const jevons::GgufValue& element : value.elements()) {
    if (element.is_array()) n += walk(element);
  }
  return n;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = jevons::ModelFile::from_bytes(bytes, "fuzz.gguf");
  if (!file) return 0;
  volatile std::size_t sink = 0;
  for (const jevons::GgufTensor* tensor : file->tensors()) {
    sink = sink + touch({tensor->data, static_cast<std::size_t>(tensor->n_bytes)});
  }
  for (const jevons::GgufEntry& entry : file->metadata().metadata()) {
    sink = sink + walk(entry.value);
  }
  sink = sink + jevons::summarize(*file).groups.size();
  if (const auto vocabulary = jevons::read_gguf_vocabulary(file->metadata())) {
    sink = sink + vocabulary->tokens.size();
  }
  if (const auto weights = jevons::M2Weights::bind(*file)) {
    const jevons::Matrix& head = weights->output;
    sink = sink + touch({head.data, head.row_bytes * static_cast<std::size_t>(head.n_rows)});
  }
  return 0;
}
