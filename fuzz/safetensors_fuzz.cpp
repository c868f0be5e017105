// Any bytes as a safetensors file and as a config.json.
#include <cstddef>
#include <cstdint>
#include <span>

#include "weights/checkpoint.h"
#include "weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  volatile unsigned sink = 0;
  if (const auto file = jevons::SafetensorsFile::parse(bytes, "fuzz.safetensors")) {
    for (const jevons::SafetensorsTensor& tensor : file->tensors()) {
      for (std::size_t i = 0; i < tensor.n_bytes; ++i) {
        sink = sink + std::to_integer<unsigned>(tensor.data[i]);
      }
    }
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (jevons::parse_checkpoint_config(text, "config.json")) sink = sink + 1;
  return 0;
}
