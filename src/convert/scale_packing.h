// The packed scales of Q4_K and Q5_K blocks: eight 6-bit scales and eight 6-bit minimums in twelve
// bytes, as ggml has them. The first four of each lie in the low six bits of bytes 0 to 7; the low
// nibbles of the others in bytes 8 to 11, their two high bits on top of bytes 0 to 7.
#pragma once

#include <cstdint>

namespace jevons {

/// scales, minimums: [8], 0 to 63; packed: [12].
inline void pack_k_scales(const std::uint8_t* scales, const std::uint8_t* minimums,
                          std::uint8_t* packed) {
  for (int j = 0; j < 4; ++j) {
    packed[j] = static_cast<std::uint8_t>(scales[j] | (scales[j + 4] >> 4) << 6);
    packed[j + 4] = static_cast<std::uint8_t>(minimums[j] | (minimums[j + 4] >> 4) << 6);
    packed[j + 8] = static_cast<std::uint8_t>((scales[j + 4] & 0xf) | (minimums[j + 4] & 0xf) << 4);
  }
}

}  // namespace jevons
