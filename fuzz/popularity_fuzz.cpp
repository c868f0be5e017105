// Any bytes as expert statistics. What is accepted has a share for every expert.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "fuzz/memory_file.h"
#include "weights/popularity_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const jevons::MemoryFile file;
  file.set(data, size);
  const auto popularity = jevons::read_popularity(file.path(), "f");
  if (!popularity) return 0;
  JEVONS_CHECK(popularity->uses.size() == static_cast<std::size_t>(popularity->n_layers) *
                                              static_cast<std::size_t>(popularity->n_experts));
  for (const float uses : popularity->uses) JEVONS_CHECK(uses >= 0 && uses <= 1);
  return 0;
}
