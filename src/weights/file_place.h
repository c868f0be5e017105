// Where bytes of a model lie on disk. Plain data.
#pragma once

#include <cstdint>

namespace jevons {

struct FilePlace {
  int shard = 0;  // index into the model's files
  std::uint64_t offset = 0;
};

}  // namespace jevons
