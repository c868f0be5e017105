// Many tokens on AVX-512. Panels of 16 rows are unpacked once, so that one vector holds the same
// four columns of all rows, and multiplied with all tokens, 48 rows by 4 tokens at a time in
// registers. A format brings the function that unpacks it; the rest is here. Internal to the
// *_avx512 files.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

inline constexpr int kPanelRows = 16;

/// Fewer tokens than this are multiplied one by one: unpacking a panel would not pay.
inline constexpr int kFewestPanelTokens = 4;

/// One 256-element block of 16 rows. Element i of row r is what its format says, plus an offset
/// that makes it unsigned: quants[i / 4][r][i % 4].
struct alignas(64) SuperPanel {
  std::uint8_t quants[kSuperBlock / 4][kPanelRows][4];
  std::int32_t scales[kSuperBlock / 16][kPanelRows];  // for each 16 or each 32 elements
  /// For the sums of two neighbouring groups of 16 (or 32) activations: what to multiply with.
  std::int16_t minimums[kSuperBlock / 32][kPanelRows][2];
  float scale[kPanelRows];
  float minimum[kPanelRows];
};

/// Fills `panel` from the blocks at `offset` of rows[0..15].
using UnpackSuperPanel = void (*)(const std::byte* const* rows, std::size_t offset,
                                  SuperPanel& panel);

/// How a format's numbers are put together.
enum class SuperKind {
  kWide,         // scales and minimums for each 32: Q4_K, Q5_K
  kNarrow,       // scales and minimums for each 16: Q2_K
  kNarrowOffset  // scales for each 16, and minimums that are a multiple of them: Q3_K, Q6_K
};

void multiply_super_panels(const MatmulArguments& a, SuperKind kind, std::size_t block_bytes,
                           UnpackSuperPanel unpack);

inline constexpr int kSmallPanelBlocks = 8;

/// Up to eight 32-element blocks of 16 rows, quants as in SuperPanel.
struct alignas(64) SmallPanel {
  std::uint8_t quants[kSmallPanelBlocks * kSmallBlock / 4][kPanelRows][4];
  float scales[kSmallPanelBlocks][kPanelRows];
  float minimums[kSmallPanelBlocks][kPanelRows];
};

/// Fills `panel` from n_blocks blocks at `offset` of rows[0..15].
using UnpackSmallPanel = void (*)(const std::byte* const* rows, std::size_t offset, int n_blocks,
                                  SmallPanel& panel);

/// How a 32-element format's numbers are put together.
enum class SmallKind {
  kOffset,   // quants are `offset` too large: Q4_0, Q5_0, Q8_0, IQ4_NL
  kMinimum,  // minimums of their own: Q4_1, Q5_1
};

void multiply_small_panels(const MatmulArguments& a, SmallKind kind, int offset,
                           std::size_t block_bytes, UnpackSmallPanel unpack);

}  // namespace jevons::kernels
