// 256-element blocks for AVX2: one block of four rows is unpacked to bytes and 16-bit scales in
// the first-level cache and multiplied with every token.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/matmul_kernels.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kRows = kRowsAtOnceAvx2;
constexpr int kTokensAtOnce = 64;
constexpr int kParts = kSuperBlock / 32;

/// What a block's minimums are: absent, a multiple of the scales that makes up for quants stored
/// without their sign, or numbers of their own under their own float.
enum class Minimums { kNone, kOffset, kOwn };

/// One block of four rows.
struct Panel {
  alignas(32) std::uint8_t quants[kParts][kRows][32];
  alignas(32) std::int16_t scales[kParts][kRows][16];  // for each pair of quants
  alignas(32) std::int16_t minimums[kRows][16];
  alignas(16) float scale[kRows];
  alignas(16) float minimum[kRows];
};

void store_quants(Panel& panel, int row, int part, __m256i quants) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(panel.quants[part][row]), quants);
}

/// scales: one for each 16 elements.
void store_scales(Panel& panel, int row, __m256i scales) {
  const __m256i low = _mm256_permute4x64_epi64(scales, 0x44);   // scales 0..7 in both lanes
  const __m256i high = _mm256_permute4x64_epi64(scales, 0xEE);  // scales 8..15
  // Part j wants scale 2j eight times, then scale 2j + 1 eight times.
  __m256i chosen = _mm256_set_m128i(_mm_set1_epi16(0x0302), _mm_set1_epi16(0x0100));
  for (int part = 0; part < kParts / 2; ++part) {
    auto* first = reinterpret_cast<__m256i*>(panel.scales[part][row]);
    auto* second = reinterpret_cast<__m256i*>(panel.scales[part + kParts / 2][row]);
    _mm256_store_si256(first, _mm256_shuffle_epi8(low, chosen));
    _mm256_store_si256(second, _mm256_shuffle_epi8(high, chosen));
    chosen = _mm256_add_epi8(chosen, _mm256_set1_epi8(4));
  }
}

void store_minimums(Panel& panel, int row, __m256i minimums) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(panel.minimums[row]), minimums);
}

/// Eight bytes to sixteen 16-bit numbers, each twice.
__m256i widen_twice(std::uint64_t bytes) {
  const __m128i v = _mm_cvtsi64_si128(static_cast<long long>(bytes));
  return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(v, v));
}

/// The eight scales and minimums of 6 bits of Q4_K and Q5_K.
void store_six_bit_scales(Panel& panel, int row, const std::uint8_t* packed) {
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  const std::uint64_t high_scales = (c & 0x0F0F0F0FU) | (a >> 2 & 0x30303030U);
  const std::uint64_t high_minimums = (c >> 4 & 0x0F0F0F0FU) | (b >> 2 & 0x30303030U);
  store_scales(panel, row, widen_twice((a & 0x3F3F3F3FU) | high_scales << 32));
  store_minimums(panel, row, widen_twice((b & 0x3F3F3F3FU) | high_minimums << 32));
}

__m256i load_32(const std::uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

__m256i low_bits(__m256i v, int shift, int mask) {
  return _mm256_and_si256(_mm256_srli_epi16(v, shift), _mm256_set1_epi8(static_cast<char>(mask)));
}

/// The bits of `mask` after shifting right by `shift`, moved left by `to`.
__m256i move_bits(__m256i v, int shift, int mask, int to) {
  return _mm256_slli_epi16(low_bits(v, shift, mask), to);
}

struct Q4K {
  using Block = BlockQ4_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr bool kSigned = false;
  static void unpack(const Block& block, int row, Panel& panel) {
    store_six_bit_scales(panel, row, block.scales);
    for (int i = 0; i < 4; ++i) {
      const __m256i packed = load_32(block.quants + 32 * i);
      store_quants(panel, row, 2 * i, low_bits(packed, 0, 15));
      store_quants(panel, row, 2 * i + 1, low_bits(packed, 4, 15));
    }
  }
};

struct Q5K {
  using Block = BlockQ5_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr bool kSigned = false;
  static void unpack(const Block& block, int row, Panel& panel) {
    store_six_bit_scales(panel, row, block.scales);
    const __m256i high = load_32(block.high_bits);
    for (int i = 0; i < kParts; ++i) {
      const __m256i low = low_bits(load_32(block.quants + i / 2 * 32), i % 2 * 4, 15);
      store_quants(panel, row, i, _mm256_or_si256(low, move_bits(high, i, 1, 4)));
    }
  }
};

struct Q6K {
  using Block = BlockQ6_K;
  static constexpr Minimums kMinimums = Minimums::kOffset;
  static constexpr bool kSigned = false;
  static void unpack(const Block& block, int row, Panel& panel) {
    const __m256i scales =
        _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block.scales)));
    store_scales(panel, row, scales);
    store_minimums(panel, row, _mm256_slli_epi16(scales, 5));
    for (int i = 0; i < kParts; ++i) {
      const int half = i / 4;
      const __m256i packed = load_32(block.low_bits + 64 * half + i % 2 * 32);
      const __m256i high = load_32(block.high_bits + 32 * half);
      const __m256i low = low_bits(packed, i % 4 / 2 * 4, 15);
      store_quants(panel, row, i, _mm256_or_si256(low, move_bits(high, i % 4 * 2, 3, 4)));
    }
  }
};

struct Q2K {
  using Block = BlockQ2_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr bool kSigned = false;
  static void unpack(const Block& block, int row, Panel& panel) {
    const __m256i both =
        _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block.scales)));
    store_scales(panel, row, _mm256_and_si256(both, _mm256_set1_epi16(15)));
    store_minimums(panel, row, _mm256_srli_epi16(both, 4));
    for (int i = 0; i < kParts; ++i) {
      const __m256i packed = load_32(block.quants + i / 4 * 32);
      store_quants(panel, row, i, low_bits(packed, i % 4 * 2, 3));
    }
  }
};

struct Q3K {
  using Block = BlockQ3_K;
  static constexpr Minimums kMinimums = Minimums::kOffset;
  static constexpr bool kSigned = false;
  static void unpack(const Block& block, int row, Panel& panel) {
    const __m256i scales = _mm256_cvtepi8_epi16(q3k_scales(block.scales));
    store_scales(panel, row, scales);
    store_minimums(panel, row, _mm256_slli_epi16(scales, 2));
    const __m256i high = load_32(block.high_bits);
    for (int i = 0; i < kParts; ++i) {
      const __m256i low = low_bits(load_32(block.quants + i / 4 * 32), i % 4 * 2, 3);
      store_quants(panel, row, i, _mm256_or_si256(low, move_bits(high, i, 1, 2)));
    }
  }
};

struct Iq4Xs {
  using Block = BlockIQ4_XS;
  static constexpr Minimums kMinimums = Minimums::kNone;
  static constexpr bool kSigned = true;
  static void unpack(const Block& block, int row, Panel& panel) {
    std::uint8_t scales[kParts];
    for (int i = 0; i < kParts; ++i) {
      const int low = block.scales_low[i / 2] >> (i % 2 * 4) & 15;
      scales[i] = static_cast<std::uint8_t>(low | (block.scales_high >> (2 * i) & 3) << 4);
      store_quants(panel, row, i, iq4_values_avx2(nibbles_avx2(block.quants + 16 * i)));
    }
    std::uint64_t bytes;
    std::memcpy(&bytes, scales, sizeof(bytes));
    store_scales(panel, row, _mm256_sub_epi16(widen_twice(bytes), _mm256_set1_epi16(32)));
  }
};

template <typename Format>
void unpack_block(const std::byte* const* rows, std::size_t offset, Panel& panel) {
  for (int r = 0; r < kRows; ++r) {
    const auto& block = *reinterpret_cast<const typename Format::Block*>(rows[r] + offset);
    Format::unpack(block, r, panel);
    panel.scale[r] = _cvtsh_ss(block.scale);
    if constexpr (Format::kMinimums == Minimums::kOwn) {
      panel.minimum[r] = _cvtsh_ss(block.minimum);
    }
  }
}

/// Adds the block's four rows times one token's block to `sums`.
template <typename Format>
__m128 add_block(const Panel& panel, const ActivationQ8Super& x, __m128 sums) {
  __m256i dots[kRows];
  for (__m256i& dot : dots) dot = _mm256_setzero_si256();
  for (int part = 0; part < kParts; ++part) {
    const __m256i activations =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.quants + 32 * part));
    for (int r = 0; r < kRows; ++r) {
      const __m256i quants =
          _mm256_load_si256(reinterpret_cast<const __m256i*>(panel.quants[part][r]));
      const __m256i scales =
          _mm256_load_si256(reinterpret_cast<const __m256i*>(panel.scales[part][r]));
      const __m256i pairs = multiply_pairs<Format::kSigned>(quants, activations);
      dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs, scales));
    }
  }
  const __m128 x_scale = _mm_set1_ps(x.scale);
  const __m128 scale = _mm_mul_ps(_mm_load_ps(panel.scale), x_scale);
  __m256i minimums[kRows];
  if constexpr (Format::kMinimums != Minimums::kNone) {
    const __m256i x_sums = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.sums));
    for (int r = 0; r < kRows; ++r) {
      minimums[r] = _mm256_madd_epi16(
          _mm256_load_si256(reinterpret_cast<const __m256i*>(panel.minimums[r])), x_sums);
      if constexpr (Format::kMinimums == Minimums::kOffset) {
        dots[r] = _mm256_sub_epi32(dots[r], minimums[r]);
      }
    }
  }
  sums = _mm_fmadd_ps(scale, _mm_cvtepi32_ps(sum_lanes_of_four(dots)), sums);
  if constexpr (Format::kMinimums == Minimums::kOwn) {
    const __m128 minimum = _mm_mul_ps(_mm_load_ps(panel.minimum), x_scale);
    sums = _mm_fnmadd_ps(minimum, _mm_cvtepi32_ps(sum_lanes_of_four(minimums)), sums);
  }
  return sums;
}

/// Four rows (the last one more than once where fewer are left) times up to 64 tokens.
template <typename Format>
void multiply_rows(const MatmulArguments& a, int first_row, int first_token, int n_tokens) {
  const std::byte* rows[kRows];
  const int n_rows = std::min(kRows, a.n_rows - first_row);
  for (int r = 0; r < kRows; ++r) {
    rows[r] =
        a.weights + a.row_bytes * static_cast<std::size_t>(first_row + std::min(r, n_rows - 1));
  }
  alignas(16) float sums[kTokensAtOnce][kRows] = {};
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  constexpr std::size_t kBlockBytes = sizeof(typename Format::Block);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    prefetch_bytes_avx2(rows[0] + kPrefetchDistanceBytes + b * kRows * kBlockBytes,
                        kRows * kBlockBytes);
    Panel panel;
    unpack_block<Format>(rows, b * kBlockBytes, panel);
    for (int t = 0; t < n_tokens; ++t) {
      const auto* x = reinterpret_cast<const ActivationQ8Super*>(a.x[first_token + t]) + b;
      _mm_store_ps(sums[t], add_block<Format>(panel, *x, _mm_load_ps(sums[t])));
    }
  }
  for (int t = 0; t < n_tokens; ++t) {
    std::memcpy(a.y[first_token + t] + first_row, sums[t],
                static_cast<std::size_t>(n_rows) * sizeof(float));
  }
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  for (int row = 0; row < a.n_rows; row += kRows) {
    for (int t = 0; t < a.n_tokens; t += kTokensAtOnce) {
      multiply_rows<Format>(a, row, t, std::min(kTokensAtOnce, a.n_tokens - t));
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_super_blocks_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = matmul<Q2K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = matmul<Q3K>;
  set.matmuls[format_index(WeightFormat::kQ4_K)] = matmul<Q4K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = matmul<Q5K>;
  set.matmuls[format_index(WeightFormat::kQ6_K)] = matmul<Q6K>;
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = matmul<Iq4Xs>;
}

}  // namespace jevons::kernels

#endif
