// The attention kernels for NEON. The operations and their order are those of attention_scalar.cpp.
// Up to kMostQueries heads are worked on at once, so that a key or value is read and unpacked once
// for all of them. kv_pages_neon.cpp writes what is read here.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/exponential_neon.h"
#include "kernels/kv_formats.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr int kMostQueries = 6;
constexpr int kLanes = 4;
constexpr int kSlots = 2 * kLanes;  // keys, or dims of a value, that are worked on at once
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What one page gives for some query heads, before the running softmax is looked at.
struct PageSoftmax {
  float weights[kMostQueries][kKeysPerPage];  // scores first
  float maximum[kMostQueries];                // [n_queries]
  float sum[kMostQueries];                    // [n_queries]
  float old_share[kMostQueries];              // [n_queries]
  float page_share[kMostQueries];             // [n_queries]
};

// Two vectors for each head: the scores of 8 keys, or 8 dims of the output.
template <int kQueries>
using Pairs = float32x4_t[kQueries][2];

const f16* page_scales(const std::byte* page, int head_dim) {
  return reinterpret_cast<const f16*>(page + kv_scales_offset_bytes(head_dim));
}

// Adds eight numbers times lane kLane of each head's factors.
template <int kLane, int kQueries>
JEVONS_FORCE_INLINE void add_products(float32x4_t low, float32x4_t high,
                                      const float32x4_t (&factors)[kQueries],
                                      Pairs<kQueries>& sums) {
  JEVONS_UNROLL
  for (int q = 0; q < kQueries; ++q) {
    sums[q][0] = vfmaq_laneq_f32(sums[q][0], low, factors[q], kLane);
    sums[q][1] = vfmaq_laneq_f32(sums[q][1], high, factors[q], kLane);
  }
}

// -- scores --------------------------------------------------------------------------------------

template <int kLane, int kQueries>
JEVONS_FORCE_INLINE void add_key_dim(const f16* keys, const float32x4_t (&queries)[kQueries],
                                     Pairs<kQueries>& scores) {
  const f16* of_dim = keys + kLane * kKeyGroup;
  add_products<kLane>(widen_halves(of_dim), widen_halves(of_dim + kLanes), queries, scores);
}

// Scores of the 8 keys from `slot` on. While keys are scored the page's values are fetched, and
// while values are added the next page's keys: pages are too short for the hardware to guess well.
template <int kQueries>
void score_slots_f16(const AttentionPageArguments& a, int slot, PageSoftmax& page) {
  const auto* queries = reinterpret_cast<const float*>(a.encoded_queries);
  const auto* keys = reinterpret_cast<const f16*>(a.keys) + f16_key_index(a.head_dim, slot, 0);
  Pairs<kQueries> scores;
  for (auto& row : scores) row[0] = row[1] = vdupq_n_f32(0.0F);
  for (int d = 0; d < a.head_dim; d += kLanes) {
    prefetch_bytes(a.values + (slot * a.head_dim + d * kSlots) * static_cast<int>(sizeof(f16)),
                   kLanes * kSlots * sizeof(f16));
    float32x4_t of_queries[kQueries];
    JEVONS_UNROLL
    for (int q = 0; q < kQueries; ++q) of_queries[q] = vld1q_f32(queries + q * a.head_dim + d);
    const f16* dims = keys + d * kKeyGroup;
    add_key_dim<0>(dims, of_queries, scores);
    add_key_dim<1>(dims, of_queries, scores);
    add_key_dim<2>(dims, of_queries, scores);
    add_key_dim<3>(dims, of_queries, scores);
  }
  for (int q = 0; q < kQueries; ++q) {
    vst1q_f32(page.weights[q] + slot, scores[q][0]);
    vst1q_f32(page.weights[q] + slot + kLanes, scores[q][1]);
  }
}

// Four dims of eight keys, with their sign back.
template <int kLane, int kQueries>
JEVONS_FORCE_INLINE void add_key_quad(const std::byte* quads, const int8x16_t (&queries)[kQueries],
                                      int32x4_t (&dots)[kQueries][2]) {
  static_assert(kKeyQuantOffset == 128);
  const std::byte* quad = quads + kLane * 4 * kKeyGroup;
  const uint8x16_t offset = vdupq_n_u8(kKeyQuantOffset);
  const int8x16_t low = vreinterpretq_s8_u8(veorq_u8(load_16u(quad), offset));
  const int8x16_t high = vreinterpretq_s8_u8(veorq_u8(load_16u(quad + 16), offset));
  JEVONS_UNROLL
  for (int q = 0; q < kQueries; ++q) {
    dots[q][0] = vdotq_laneq_s32(dots[q][0], low, queries[q], kLane);
    dots[q][1] = vdotq_laneq_s32(dots[q][1], high, queries[q], kLane);
  }
}

// The exact dot products of one block of 32 dims with 8 keys, scaled and added to the scores.
template <int kQueries>
JEVONS_FORCE_INLINE void score_block_q8(const AttentionPageArguments& a, int slot, int block,
                                        Pairs<kQueries>& scores) {
  const std::byte* keys = a.keys + q8_key_index(a.head_dim, slot, block * kKvBlock);
  constexpr int kPartBytes = kSlots * kQ8BlockBytes;
  prefetch_bytes(a.values + (slot / kSlots * (a.head_dim / kKvBlock) + block) * kPartBytes,
                 kPartBytes);
  int32x4_t dots[kQueries][2];
  for (auto& row : dots) row[0] = row[1] = vdupq_n_s32(0);
  for (int d = 0; d < kKvBlock; d += 16) {
    int8x16_t queries[kQueries];
    JEVONS_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      queries[q] = load_16(Q8Query(a.encoded_queries, a.head_dim, q).quants + block * kKvBlock + d);
    }
    const std::byte* quads = keys + d * kKeyGroup;
    add_key_quad<0>(quads, queries, dots);
    add_key_quad<1>(quads, queries, dots);
    add_key_quad<2>(quads, queries, dots);
    add_key_quad<3>(quads, queries, dots);
  }
  const f16* key_scales = page_scales(a.keys, a.head_dim) + kv_scale_index(slot, block);
  const float32x4_t low = widen_halves(key_scales);
  const float32x4_t high = widen_halves(key_scales + kLanes);
  JEVONS_UNROLL
  for (int q = 0; q < kQueries; ++q) {
    const float query_scale = Q8Query(a.encoded_queries, a.head_dim, q).scales[block];
    scores[q][0] =
        vfmaq_f32(scores[q][0], vcvtq_f32_s32(dots[q][0]), vmulq_n_f32(low, query_scale));
    scores[q][1] =
        vfmaq_f32(scores[q][1], vcvtq_f32_s32(dots[q][1]), vmulq_n_f32(high, query_scale));
  }
}

template <int kQueries>
void score_slots_q8(const AttentionPageArguments& a, int slot, PageSoftmax& page) {
  Pairs<kQueries> scores;
  for (auto& row : scores) row[0] = row[1] = vdupq_n_f32(0.0F);
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    score_block_q8<kQueries>(a, slot, block, scores);
  }
  for (int q = 0; q < kQueries; ++q) {
    vst1q_f32(page.weights[q] + slot, scores[q][0]);
    vst1q_f32(page.weights[q] + slot + kLanes, scores[q][1]);
  }
}

// -- softmax -------------------------------------------------------------------------------------

// a > b ? a : b, which takes b where either is NaN; fmax would not.
JEVONS_FORCE_INLINE float32x4_t larger(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}

float folded_maximum(const float32x4_t (&v)[4]) {
  const float32x4_t four = larger(larger(v[0], v[2]), larger(v[1], v[3]));
  const float32x4_t two = larger(four, vextq_f32(four, four, 2));
  return vgetq_lane_f32(larger(two, vextq_f32(two, two, 1)), 0);
}

// Turns scores into weights. Slot s belongs to lane s mod 16; the slots from n_keys on, whatever
// they hold, score -inf.
void weigh(float* weights, int n_keys, float& page_maximum, float& page_sum) {
  for (int slot = n_keys; slot < kKeysPerPage; ++slot) weights[slot] = -kInfinity;
  float32x4_t maxima[4];
  for (int part = 0; part < 4; ++part) maxima[part] = vld1q_f32(weights + part * kLanes);
  for (int slot = 4 * kLanes; slot < kKeysPerPage; slot += 4 * kLanes) {
    JEVONS_UNROLL
    for (int part = 0; part < 4; ++part) {
      maxima[part] = larger(maxima[part], vld1q_f32(weights + slot + part * kLanes));
    }
  }
  page_maximum = folded_maximum(maxima);
  const float32x4_t maximum = vdupq_n_f32(page_maximum);
  float32x4_t sums[4];
  for (float32x4_t& sum : sums) sum = vdupq_n_f32(0.0F);
  for (int slot = 0; slot < kKeysPerPage; slot += 4 * kLanes) {
    JEVONS_UNROLL
    for (int part = 0; part < 4; ++part) {
      float* of_part = weights + slot + part * kLanes;
      const float32x4_t weight = exponential_neon(vsubq_f32(vld1q_f32(of_part), maximum));
      vst1q_f32(of_part, weight);
      sums[part] = vaddq_f32(sums[part], weight);
    }
  }
  page_sum = folded_sum(sums[0], sums[1], sums[2], sums[3]);
}

// Brings maximum and sum of the running softmax up to date, and leaves the two shares that its
// output and the page's are to be multiplied with.
void merge_sums(const AttentionPageArguments& a, int n_queries, PageSoftmax& page) {
  for (int q = 0; q < n_queries; q += kLanes) {
    const int n = n_queries - q;
    const float32x4_t old_maximum = load_first(a.maximum + q, n);
    const float32x4_t page_maximum = load_first(page.maximum + q, n);
    const float32x4_t maximum = larger(old_maximum, page_maximum);
    const float32x4_t old_share = exponential_neon(vsubq_f32(old_maximum, maximum));
    const float32x4_t page_share = exponential_neon(vsubq_f32(page_maximum, maximum));
    const float32x4_t old_sum = vmulq_f32(load_first(a.sum + q, n), old_share);
    store_first(a.maximum + q, n, maximum);
    store_first(a.sum + q, n, vfmaq_f32(old_sum, load_first(page.sum + q, n), page_share));
    store_first(page.old_share + q, n, old_share);
    store_first(page.page_share + q, n, page_share);
  }
}

// -- values --------------------------------------------------------------------------------------

// Adds the page's weighted values of 8 dims, from `dim` on, to the running output.
template <int kQueries>
JEVONS_FORCE_INLINE void merge_dims(const AttentionPageArguments& a, const PageSoftmax& page,
                                    int dim, const Pairs<kQueries>& sums) {
  for (int q = 0; q < kQueries; ++q) {
    const float32x4_t page_share = vdupq_n_f32(page.page_share[q]);
    for (int half = 0; half < 2; ++half) {
      float* output = a.output + q * a.head_dim + dim + half * kLanes;
      const float32x4_t old = vmulq_n_f32(vld1q_f32(output), page.old_share[q]);
      vst1q_f32(output, vfmaq_f32(old, sums[q][half], page_share));
    }
  }
}

// 8 values as floats; a q8_0 value still without its scale.
JEVONS_FORCE_INLINE void load_values(const f16* x, float32x4_t& low, float32x4_t& high) {
  low = widen_halves(x);
  high = widen_halves(x + kLanes);
}
JEVONS_FORCE_INLINE void load_values(const std::int8_t* x, float32x4_t& low, float32x4_t& high) {
  const int16x8_t wide = vmovl_s8(vld1_s8(x));
  low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
  high = vcvtq_f32_s32(vmovl_high_s16(wide));
}

template <int kLane, int kQueries, typename Value>
JEVONS_FORCE_INLINE void add_value_slot(const Value* values, const float32x4_t (&weights)[kQueries],
                                        Pairs<kQueries>& sums) {
  float32x4_t low;
  float32x4_t high;
  load_values(values + kLane * kKvBlock, low, high);
  add_products<kLane>(low, high, weights, sums);
}

// values: one block of 32 dims, [kKeysPerPage][32]; weights: for its slots.
template <int kQueries, typename Value>
void add_block(const AttentionPageArguments& a, const PageSoftmax& page, int block,
               const Value* values, const float (*weights)[kKeysPerPage]) {
  const std::byte* next_keys = a.next_keys != nullptr ? a.next_keys : a.keys;
  constexpr int kBlockBytes =
      kKeysPerPage * (sizeof(Value) == sizeof(f16) ? kF16BlockBytes : kQ8BlockBytes);
  constexpr int kPartBytes = kBlockBytes / (kKvBlock / kSlots);
  for (int part = 0; part < kKvBlock; part += kSlots) {
    prefetch_bytes(next_keys + block * kBlockBytes + part / kSlots * kPartBytes, kPartBytes);
    Pairs<kQueries> sums;
    for (auto& row : sums) row[0] = row[1] = vdupq_n_f32(0.0F);
    const Value* of_part = values + part;
    float32x4_t of_slots[kQueries];
    int slot = 0;
    for (; slot + kLanes <= a.n_keys; slot += kLanes) {
      JEVONS_UNROLL
      for (int q = 0; q < kQueries; ++q) of_slots[q] = vld1q_f32(weights[q] + slot);
      const Value* of_dims = of_part + slot * kKvBlock;
      add_value_slot<0>(of_dims, of_slots, sums);
      add_value_slot<1>(of_dims, of_slots, sums);
      add_value_slot<2>(of_dims, of_slots, sums);
      add_value_slot<3>(of_dims, of_slots, sums);
    }
    for (; slot < a.n_keys; ++slot) {
      for (int q = 0; q < kQueries; ++q) of_slots[q] = vdupq_n_f32(weights[q][slot]);
      add_value_slot<0>(of_part + slot * kKvBlock, of_slots, sums);
    }
    merge_dims<kQueries>(a, page, block * kKvBlock + part, sums);
  }
}

template <int kQueries>
void add_values_f16(const AttentionPageArguments& a, const PageSoftmax& page) {
  const auto* values = reinterpret_cast<const f16*>(a.values);
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    add_block<kQueries>(a, page, block, values + value_index(0, block * kKvBlock), page.weights);
  }
}

// Scales of slots past n_keys may be NaN, and so may their products; nobody reads them.
template <int kQueries>
void add_values_q8(const AttentionPageArguments& a, const PageSoftmax& page) {
  const auto* values = reinterpret_cast<const std::int8_t*>(a.values);
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    const f16* scales = page_scales(a.values, a.head_dim) + kv_scale_index(0, block);
    float weights[kQueries][kKeysPerPage];
    for (int slot = 0; slot < kKeysPerPage; slot += kLanes) {
      const float32x4_t scale = widen_halves(scales + slot);
      for (int q = 0; q < kQueries; ++q) {
        vst1q_f32(weights[q] + slot, vmulq_f32(vld1q_f32(page.weights[q] + slot), scale));
      }
    }
    add_block<kQueries>(a, page, block, values + value_index(0, block * kKvBlock), weights);
  }
}

template <KvFormat kFormat, int kQueries>
void attend_heads(const AttentionPageArguments& a) {
  PageSoftmax page;
  for (int slot = 0; slot < a.n_keys; slot += kSlots) {
    if constexpr (kFormat == KvFormat::kF16) {
      score_slots_f16<kQueries>(a, slot, page);
    } else {
      score_slots_q8<kQueries>(a, slot, page);
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    weigh(page.weights[q], a.n_keys, page.maximum[q], page.sum[q]);
  }
  merge_sums(a, kQueries, page);
  if constexpr (kFormat == KvFormat::kF16) {
    add_values_f16<kQueries>(a, page);
  } else {
    add_values_q8<kQueries>(a, page);
  }
}

template <KvFormat kFormat>
void attend_all_heads(AttentionPageArguments a) {
  constexpr void (*kAttend[])(const AttentionPageArguments&) = {
      attend_heads<kFormat, 1>, attend_heads<kFormat, 2>, attend_heads<kFormat, 3>,
      attend_heads<kFormat, 4>, attend_heads<kFormat, 5>, attend_heads<kFormat, 6>};
  while (a.n_queries > 0) {
    const int n = std::min(a.n_queries, kMostQueries);
    kAttend[n - 1](a);
    a.encoded_queries += encoded_query_bytes(kFormat, n, a.head_dim);
    a.maximum += n;
    a.sum += n;
    a.output += n * a.head_dim;
    a.n_queries -= n;
  }
}

void attend_page(KvFormat format, const AttentionPageArguments& arguments) {
  if (format == KvFormat::kF16) {
    attend_all_heads<KvFormat::kF16>(arguments);
  } else {
    attend_all_heads<KvFormat::kQ8_0>(arguments);
  }
}

}  // namespace

void fill_attention_neon(KernelSet& set) {
  fill_attention_scalar(set);
  fill_kv_pages_neon(set);
  set.attend_page = attend_page;
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__aarch64__)
