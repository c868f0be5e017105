// The attention kernels for AVX2. The operations and their order are those of attention_scalar.cpp.
// Up to kMostQueries heads are worked on at once, so that a key or value is read and unpacked once
// for all of them.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/exponential_avx2.h"
#include "kernels/kv_formats.h"
#include "kernels/matmul_kernels.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kMostQueries = 6;
constexpr int kLanes = 8;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What one page gives for some query heads, before the running softmax is looked at.
struct PageSoftmax {
  alignas(32) float weights[kMostQueries][kKeysPerPage];  // scores first
  alignas(32) float maximum[kLanes];                      // [n_queries]
  alignas(32) float sum[kLanes];                          // [n_queries]
  alignas(32) float old_share[kLanes];                    // [n_queries]
  alignas(32) float page_share[kLanes];                   // [n_queries]
};

__m256 load_f16(const f16* x) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}

// Asks for the cache lines that `bytes` bytes from `start` on begin in. Pages come one by one from
// memory, too short for the hardware to guess well: while keys are scored the values are fetched,
// and while values are added the next page's keys.
void prefetch(const std::byte* start, int bytes) {
  for (int i = 0; i < bytes; i += 64) _mm_prefetch(start + i, _MM_HINT_T0);
}

const f16* page_scales(const std::byte* page, int head_dim) {
  return reinterpret_cast<const f16*>(page + kv_scales_offset_bytes(head_dim));
}

// -- scores --------------------------------------------------------------------------------------

// Scores of one group of 16 keys for kQueries heads.
template <int kQueries>
void score_group_f16(const AttentionPageArguments& a, int group, PageSoftmax& page) {
  const auto* queries = reinterpret_cast<const float*>(a.encoded_queries);
  const auto* keys =
      reinterpret_cast<const f16*>(a.keys) + f16_key_index(a.head_dim, group * kKeyGroup, 0);
  __m256 scores[kQueries][2];
  for (auto& row : scores) row[0] = row[1] = _mm256_setzero_ps();
  constexpr int kLineBytes = kKeyGroup * sizeof(f16);
  for (int d = 0; d < a.head_dim; ++d) {
    prefetch(a.values + (group * a.head_dim + d) * kLineBytes, kLineBytes);
    const __m256 low = load_f16(keys + d * kKeyGroup);
    const __m256 high = load_f16(keys + d * kKeyGroup + kLanes);
    for (int q = 0; q < kQueries; ++q) {
      const __m256 query = _mm256_broadcast_ss(queries + q * a.head_dim + d);
      scores[q][0] = _mm256_fmadd_ps(low, query, scores[q][0]);
      scores[q][1] = _mm256_fmadd_ps(high, query, scores[q][1]);
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    _mm256_store_ps(page.weights[q] + group * kKeyGroup, scores[q][0]);
    _mm256_store_ps(page.weights[q] + group * kKeyGroup + kLanes, scores[q][1]);
  }
}

// A q8_0 query as pairs of 16-bit numbers, which vpmaddwd multiplies exactly with the unsigned
// keys (vpmaddubsw would saturate): of each four dims, the first and third, then the others.
struct WideQuery {
  std::int32_t pairs[kMaxHeadDim / 4][2];

  void widen(const std::int8_t* quants, int head_dim) {
    for (int d = 0; d < head_dim; d += kKvBlock) {
      const __m256i quads = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(quants + d));
      const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(quads, 8), 8);
      const __m256i odd = _mm256_srai_epi16(quads, 8);
      const __m256i low = _mm256_unpacklo_epi32(even, odd);
      const __m256i high = _mm256_unpackhi_epi32(even, odd);
      auto* out = reinterpret_cast<__m256i*>(pairs[d / 4]);
      _mm256_storeu_si256(out, _mm256_permute2x128_si256(low, high, 0x20));
      _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(low, high, 0x31));
    }
  }
};

// The exact dot products of one block of 32 dims with 8 keys, scaled and added to the scores.
template <int kQueries>
void score_block_q8(const AttentionPageArguments& a, const WideQuery (&queries)[kQueries], int slot,
                    int block, __m256 (&scores)[kQueries]) {
  const std::byte* keys = a.keys + q8_key_index(a.head_dim, slot, block * kKvBlock);
  constexpr int kPartBytes = kLanes * kQ8BlockBytes;
  prefetch(a.values + (slot / kLanes * (a.head_dim / kKvBlock) + block) * kPartBytes, kPartBytes);
  const __m256i low_bytes = _mm256_set1_epi16(0x00FF);
  __m256i dots[kQueries];
  for (int q = 0; q < kQueries; ++q) {
    dots[q] = _mm256_set1_epi32(Q8Query(a.encoded_queries, a.head_dim, q).corrections[block]);
  }
  for (int quad = 0; quad < kKvBlock / 4; ++quad) {
    const auto* line = reinterpret_cast<const __m256i*>(keys + quad * 4 * kKeyGroup);
    const __m256i key = _mm256_loadu_si256(line);
    const __m256i even = _mm256_and_si256(key, low_bytes);
    const __m256i odd = _mm256_srli_epi16(key, 8);
    for (int q = 0; q < kQueries; ++q) {
      const std::int32_t* pair = queries[q].pairs[block * (kKvBlock / 4) + quad];
      const __m256i even_dots = _mm256_madd_epi16(even, _mm256_set1_epi32(pair[0]));
      const __m256i odd_dots = _mm256_madd_epi16(odd, _mm256_set1_epi32(pair[1]));
      dots[q] = _mm256_add_epi32(dots[q], _mm256_add_epi32(even_dots, odd_dots));
    }
  }
  const __m256 key_scale = load_f16(page_scales(a.keys, a.head_dim) + kv_scale_index(slot, block));
  for (int q = 0; q < kQueries; ++q) {
    const float query_scale = Q8Query(a.encoded_queries, a.head_dim, q).scales[block];
    const __m256 scale = _mm256_mul_ps(key_scale, _mm256_set1_ps(query_scale));
    scores[q] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[q]), scale, scores[q]);
  }
}

template <int kQueries>
void score_page_q8(const AttentionPageArguments& a, PageSoftmax& page) {
  WideQuery queries[kQueries];
  for (int q = 0; q < kQueries; ++q) {
    queries[q].widen(Q8Query(a.encoded_queries, a.head_dim, q).quants, a.head_dim);
  }
  for (int slot = 0; slot < a.n_keys; slot += kLanes) {
    __m256 scores[kQueries];
    for (__m256& score : scores) score = _mm256_setzero_ps();
    for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
      score_block_q8(a, queries, slot, block, scores);
    }
    for (int q = 0; q < kQueries; ++q) _mm256_store_ps(page.weights[q] + slot, scores[q]);
  }
}

// -- softmax -------------------------------------------------------------------------------------

// The scores of 8 slots; -inf for the slots from n_keys on, whatever they hold.
__m256 seen_scores(const float* scores, int slot, int n_keys) {
  const __m256 seen = _mm256_castsi256_ps(first_lanes_avx2(n_keys - slot));
  return _mm256_blendv_ps(_mm256_set1_ps(-kInfinity), _mm256_load_ps(scores + slot), seen);
}

// Turns scores into weights, in two walks over the heads so that their folds overlap.
template <int kQueries>
void weigh(PageSoftmax& page, int n_keys) {
  for (int q = 0; q < kQueries; ++q) {
    __m256 low = seen_scores(page.weights[q], 0, n_keys);
    __m256 high = seen_scores(page.weights[q], kLanes, n_keys);
    for (int slot = 2 * kLanes; slot < kKeysPerPage; slot += 2 * kLanes) {
      low = _mm256_max_ps(low, seen_scores(page.weights[q], slot, n_keys));
      high = _mm256_max_ps(high, seen_scores(page.weights[q], slot + kLanes, n_keys));
    }
    page.maximum[q] = folded_maximum_avx2(low, high);
  }
  for (int q = 0; q < kQueries; ++q) {
    const __m256 maximum = _mm256_set1_ps(page.maximum[q]);
    __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int slot = 0; slot < kKeysPerPage; slot += kLanes) {
      const __m256 score = seen_scores(page.weights[q], slot, n_keys);
      const __m256 weight = exponential_avx2(_mm256_sub_ps(score, maximum));
      _mm256_store_ps(page.weights[q] + slot, weight);
      __m256& sum = sums[slot / kLanes % 2];
      sum = _mm256_add_ps(sum, weight);
    }
    page.sum[q] = folded_sum_avx2(sums[0], sums[1]);
  }
}

// Brings maximum and sum of the running softmax up to date, and leaves the two shares that its
// output and the page's are to be multiplied with.
void merge_sums(const AttentionPageArguments& a, int n_queries, PageSoftmax& page) {
  const __m256i heads = first_lanes_avx2(n_queries);
  const __m256 old_maximum = _mm256_maskload_ps(a.maximum, heads);
  const __m256 page_maximum = _mm256_maskload_ps(page.maximum, heads);
  const __m256 maximum = _mm256_max_ps(old_maximum, page_maximum);
  const __m256 old_share = exponential_avx2(_mm256_sub_ps(old_maximum, maximum));
  const __m256 page_share = exponential_avx2(_mm256_sub_ps(page_maximum, maximum));
  const __m256 old_sum = _mm256_mul_ps(_mm256_maskload_ps(a.sum, heads), old_share);
  const __m256 page_sum = _mm256_maskload_ps(page.sum, heads);
  _mm256_maskstore_ps(a.maximum, heads, maximum);
  _mm256_maskstore_ps(a.sum, heads, _mm256_fmadd_ps(page_sum, page_share, old_sum));
  _mm256_store_ps(page.old_share, old_share);
  _mm256_store_ps(page.page_share, page_share);
}

// -- values --------------------------------------------------------------------------------------

// Adds the page's weighted values of 16 dims, from `dim` on, to the running output.
template <int kQueries>
void merge_dims(const AttentionPageArguments& a, const PageSoftmax& page, int dim,
                const __m256 (&sums)[kQueries][2]) {
  for (int q = 0; q < kQueries; ++q) {
    const __m256 old_share = _mm256_set1_ps(page.old_share[q]);
    const __m256 page_share = _mm256_set1_ps(page.page_share[q]);
    for (int half = 0; half < 2; ++half) {
      float* output = a.output + q * a.head_dim + dim + half * kLanes;
      const __m256 old = _mm256_mul_ps(_mm256_loadu_ps(output), old_share);
      _mm256_storeu_ps(output, _mm256_fmadd_ps(sums[q][half], page_share, old));
    }
  }
}

// 8 values as floats; a q8_0 value still without its scale.
__m256 load_values(const f16* x) { return load_f16(x); }
__m256 load_values(const std::int8_t* x) {
  const __m128i quants = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(quants));
}

// values: one block of 32 dims, [kKeysPerPage][32]; weights: for its slots.
template <int kQueries, typename Value>
void add_block(const AttentionPageArguments& a, const PageSoftmax& page, int block,
               const Value* values, const float (*weights)[kKeysPerPage]) {
  const std::byte* next_keys = a.next_keys != nullptr ? a.next_keys : a.keys;
  constexpr int kBlockBytes =
      kKeysPerPage * (sizeof(Value) == sizeof(f16) ? kF16BlockBytes : kQ8BlockBytes);
  for (int part = 0; part < kKvBlock; part += 2 * kLanes) {
    prefetch(next_keys + block * kBlockBytes + part / (2 * kLanes) * (kBlockBytes / 2),
             kBlockBytes / 2);
    __m256 sums[kQueries][2];
    for (auto& row : sums) row[0] = row[1] = _mm256_setzero_ps();
    for (int slot = 0; slot < a.n_keys; ++slot) {
      const __m256 low = load_values(values + slot * kKvBlock + part);
      const __m256 high = load_values(values + slot * kKvBlock + part + kLanes);
      for (int q = 0; q < kQueries; ++q) {
        const __m256 weight = _mm256_broadcast_ss(&weights[q][slot]);
        sums[q][0] = _mm256_fmadd_ps(weight, low, sums[q][0]);
        sums[q][1] = _mm256_fmadd_ps(weight, high, sums[q][1]);
      }
    }
    merge_dims(a, page, block * kKvBlock + part, sums);
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
    alignas(32) float weights[kQueries][kKeysPerPage];
    for (int slot = 0; slot < kKeysPerPage; slot += kLanes) {
      const __m256 scale = load_f16(scales + slot);
      for (int q = 0; q < kQueries; ++q) {
        const __m256 weight = _mm256_load_ps(page.weights[q] + slot);
        _mm256_store_ps(weights[q] + slot, _mm256_mul_ps(weight, scale));
      }
    }
    add_block<kQueries>(a, page, block, values + value_index(0, block * kKvBlock), weights);
  }
}

template <KvFormat kFormat, int kQueries>
void attend_heads(const AttentionPageArguments& a) {
  PageSoftmax page;
  if constexpr (kFormat == KvFormat::kF16) {
    for (int group = 0; group * kKeyGroup < a.n_keys; ++group) {
      score_group_f16<kQueries>(a, group, page);
    }
  } else {
    score_page_q8<kQueries>(a, page);
  }
  weigh<kQueries>(page, a.n_keys);
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

// -- writing pages and queries -------------------------------------------------------------------

// A block of 32 floats in four vectors.
struct Block {
  __m256 parts[4];

  explicit Block(const float* x) {
    for (int i = 0; i < 4; ++i) parts[i] = _mm256_loadu_ps(x + i * kLanes);
  }
  void multiply(float factor) {
    for (__m256& part : parts) part = _mm256_mul_ps(part, _mm256_set1_ps(factor));
  }
};

// The largest |x| of a block, compared as integers, so that NaN is the largest, divided by 127; NaN
// for infinity too. Folding in any order gives the same maximum.
float wanted_scale(const Block& block) {
  const __m256i no_sign = _mm256_set1_epi32(0x7FFFFFFF);
  __m256i wide = _mm256_setzero_si256();
  for (const __m256 part : block.parts) {
    wide = _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(part), no_sign), wide);
  }
  __m128i maxima = _mm_max_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  maxima = _mm_max_epi32(maxima, _mm_shuffle_epi32(maxima, 0x4E));
  maxima = _mm_max_epi32(maxima, _mm_shuffle_epi32(maxima, 0xB1));
  const auto largest = static_cast<std::uint32_t>(_mm_cvtsi128_si32(maxima));
  return std::bit_cast<float>(largest < kInfinityBits ? largest : kNanBits) / 127.0F;
}

float inverse_scale(float scale) {
  return scale >= std::numeric_limits<float>::min() ? 1.0F / scale : 0.0F;
}

__m256i quantise(const Block& block, float inverse) {
  __m256i quants[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 scaled = _mm256_mul_ps(block.parts[i], _mm256_set1_ps(inverse));
    const __m256 low = _mm256_max_ps(scaled, _mm256_set1_ps(-127.0F));
    quants[i] = _mm256_cvtps_epi32(_mm256_min_ps(low, _mm256_set1_ps(127.0F)));
  }
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(quants[0], quants[1]),
                                           _mm256_packs_epi32(quants[2], quants[3]));
  // Packing worked within each half of the vector: put the groups of four back in order.
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

__m128i f16_of(__m256 x) {
  return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

f16 encode_block(const float* x, __m256i* quants) {
  const Block block(x);
  const __m128i scale = f16_of(_mm256_set1_ps(wanted_scale(block)));
  *quants = quantise(block, inverse_scale(_mm256_cvtss_f32(_mm256_cvtph_ps(scale))));
  return static_cast<f16>(_mm_extract_epi16(scale, 0));
}

void store_key(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; d += kLanes) {
      f16 converted[kLanes];
      _mm_storeu_si128(reinterpret_cast<__m128i*>(converted), f16_of(_mm256_loadu_ps(x + d)));
      for (int i = 0; i < kLanes; ++i) {
        elements[f16_key_index(head_dim, slot, d + i)] = converted[i];
      }
    }
    return;
  }
  auto* scales = reinterpret_cast<f16*>(page + kv_scales_offset_bytes(head_dim));
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    __m256i quants;
    scales[kv_scale_index(slot, block)] = encode_block(x + block * kKvBlock, &quants);
    const __m256i offset = _mm256_set1_epi8(static_cast<char>(kKeyQuantOffset));
    alignas(32) std::int32_t quads[kKvBlock / 4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(quads), _mm256_add_epi8(quants, offset));
    auto* stored =
        reinterpret_cast<std::int32_t*>(page + q8_key_index(head_dim, slot, block * kKvBlock));
    for (int i = 0; i < kKvBlock / 4; ++i) stored[i * kKeyGroup] = quads[i];
  }
}

void store_value(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; d += kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(elements + value_index(slot, d)),
                       f16_of(_mm256_loadu_ps(x + d)));
    }
    return;
  }
  auto* scales = reinterpret_cast<f16*>(page + kv_scales_offset_bytes(head_dim));
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    __m256i quants;
    scales[kv_scale_index(slot, block)] = encode_block(x + block * kKvBlock, &quants);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(page + value_index(slot, block * kKvBlock)),
                        quants);
  }
}

void encode_query_q8(const float* query, int head_dim, std::byte* record) {
  auto* scales = reinterpret_cast<float*>(record + head_dim);
  auto* corrections = reinterpret_cast<std::int32_t*>(scales + head_dim / kKvBlock);
  const float factor = query_factor(head_dim);
  for (int i = 0; i < head_dim / kKvBlock; ++i) {
    Block block(query + i * kKvBlock);
    block.multiply(factor);
    scales[i] = wanted_scale(block);
    const __m256i quants = quantise(block, inverse_scale(scales[i]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(record + i * kKvBlock), quants);
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), quants);
    const __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(-kKeyQuantOffset));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
    corrections[i] = _mm_cvtsi128_si32(sum);
  }
}

void encode_queries(KvFormat format, const float* queries, int n_queries, int head_dim,
                    std::byte* out) {
  if (format == KvFormat::kF16) {
    const __m256 factor = _mm256_set1_ps(query_factor(head_dim));
    auto* scaled = reinterpret_cast<float*>(out);
    for (int i = 0; i < n_queries * head_dim; i += kLanes) {
      _mm256_storeu_ps(scaled + i, _mm256_mul_ps(_mm256_loadu_ps(queries + i), factor));
    }
    return;
  }
  for (int query = 0; query < n_queries; ++query) {
    encode_query_q8(queries + static_cast<std::ptrdiff_t>(query) * head_dim, head_dim,
                    out + static_cast<std::size_t>(query) * q8_query_record_bytes(head_dim));
  }
}

}  // namespace

void fill_attention_avx2(KernelSet& set) {
  fill_attention_scalar(set);
  set.store_key = store_key;
  set.store_value = store_value;
  set.encode_queries = encode_queries;
  set.attend_page = attend_page;
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__x86_64__)
