// The attention kernels for AVX-512 with VNNI. The operations and their order are those of
// attention_scalar.cpp. Up to kMostQueries heads are worked on at once, so that a key or value is
// read and unpacked once for all of them.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/exponential_avx512.h"
#include "kernels/kv_formats.h"
#include "kernels/matmul_kernels.h"

JEVONS_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kMostQueries = 6;
constexpr int kLanes = 16;
constexpr int kGroups = kKeysPerPage / kKeyGroup;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What one page gives for some query heads, before the running softmax is looked at.
struct PageSoftmax {
  alignas(64) float weights[kMostQueries][kKeysPerPage];  // scores first
  alignas(64) float maximum[kLanes];                      // [n_queries]
  alignas(64) float sum[kLanes];                          // [n_queries]
  alignas(64) float old_share[kLanes];                    // [n_queries]
  alignas(64) float page_share[kLanes];                   // [n_queries]
};

__m512 load_f16(const f16* x) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
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

// Scores of n_groups groups of 16 keys, from `first_group` on, for kQueries heads.
template <int kQueries, int n_groups>
void score_groups_f16(const AttentionPageArguments& a, int first_group, PageSoftmax& page) {
  const auto* queries = reinterpret_cast<const float*>(a.encoded_queries);
  const auto* keys =
      reinterpret_cast<const f16*>(a.keys) + f16_key_index(a.head_dim, first_group * kKeyGroup, 0);
  __m512 scores[kQueries][n_groups];
  for (auto& row : scores) {
    for (__m512& score : row) score = _mm512_setzero_ps();
  }
  constexpr int kLineBytes = kKeyGroup * sizeof(f16);
  for (int d = 0; d < a.head_dim; ++d) {
    prefetch(a.values + (first_group * a.head_dim + d * n_groups) * kLineBytes,
             n_groups * kLineBytes);
    __m512 key[n_groups];
    for (int g = 0; g < n_groups; ++g) key[g] = load_f16(keys + (g * a.head_dim + d) * kKeyGroup);
    for (int q = 0; q < kQueries; ++q) {
      const __m512 query = _mm512_set1_ps(queries[q * a.head_dim + d]);
      for (int g = 0; g < n_groups; ++g) {
        scores[q][g] = _mm512_fmadd_ps(key[g], query, scores[q][g]);
      }
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    for (int g = 0; g < n_groups; ++g) {
      _mm512_store_ps(page.weights[q] + (first_group + g) * kKeyGroup, scores[q][g]);
    }
  }
}

// The exact dot products of one block of 32 dims, scaled and added to the scores.
template <int kQueries, int n_groups>
void score_block_q8(const AttentionPageArguments& a, int first_group, int block,
                    __m512 (&scores)[kQueries][n_groups]) {
  const auto* keys = reinterpret_cast<const std::uint8_t*>(a.keys) +
                     q8_key_index(a.head_dim, first_group * kKeyGroup, block * kKvBlock);
  const int n_blocks = a.head_dim / kKvBlock;
  constexpr int kPartBytes = kKeyGroup * kQ8BlockBytes;
  prefetch(a.values + (first_group * n_blocks + block * n_groups) * kPartBytes,
           n_groups * kPartBytes);
  const std::byte* queries = a.encoded_queries + block * kKvBlock;
  const std::size_t record_bytes = q8_query_record_bytes(a.head_dim);
  __m512i dots[kQueries][n_groups];
  for (int q = 0; q < kQueries; ++q) {
    const __m512i correction =
        _mm512_set1_epi32(Q8Query(a.encoded_queries, a.head_dim, q).corrections[block]);
    for (__m512i& dot : dots[q]) dot = correction;
  }
  for (int quad = 0; quad < kKvBlock / 4; ++quad) {
    __m512i key[n_groups];
    for (int g = 0; g < n_groups; ++g) {
      key[g] = _mm512_loadu_si512(keys + g * a.head_dim * kKeyGroup + quad * 4 * kKeyGroup);
    }
    for (int q = 0; q < kQueries; ++q) {
      const auto* quants = reinterpret_cast<const std::int32_t*>(
          queries + static_cast<std::size_t>(q) * record_bytes + quad * 4);
      const __m512i query = _mm512_set1_epi32(*quants);
      for (int g = 0; g < n_groups; ++g) {
        dots[q][g] = _mm512_dpbusd_epi32(dots[q][g], key[g], query);
      }
    }
  }
  const f16* scales =
      page_scales(a.keys, a.head_dim) + kv_scale_index(first_group * kKeyGroup, block);
  for (int g = 0; g < n_groups; ++g) {
    const __m512 key_scale = load_f16(scales + g * kKeyGroup);
    for (int q = 0; q < kQueries; ++q) {
      const float query_scale = Q8Query(a.encoded_queries, a.head_dim, q).scales[block];
      const __m512 scale = _mm512_mul_ps(key_scale, _mm512_set1_ps(query_scale));
      scores[q][g] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[q][g]), scale, scores[q][g]);
    }
  }
}

template <int kQueries, int n_groups>
void score_groups_q8(const AttentionPageArguments& a, int first_group, PageSoftmax& page) {
  __m512 scores[kQueries][n_groups];
  for (auto& row : scores) {
    for (__m512& score : row) score = _mm512_setzero_ps();
  }
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    score_block_q8(a, first_group, block, scores);
  }
  for (int q = 0; q < kQueries; ++q) {
    for (int g = 0; g < n_groups; ++g) {
      _mm512_store_ps(page.weights[q] + (first_group + g) * kKeyGroup, scores[q][g]);
    }
  }
}

template <KvFormat kFormat, int kQueries>
void score_page(const AttentionPageArguments& a, PageSoftmax& page) {
  constexpr int kStep = 2;
  const int n_groups = (a.n_keys + kKeyGroup - 1) / kKeyGroup;
  int group = 0;
  for (; group + kStep <= n_groups; group += kStep) {
    if constexpr (kFormat == KvFormat::kF16) {
      score_groups_f16<kQueries, kStep>(a, group, page);
    } else {
      score_groups_q8<kQueries, kStep>(a, group, page);
    }
  }
  if (group == n_groups) return;
  if constexpr (kFormat == KvFormat::kF16) {
    score_groups_f16<kQueries, 1>(a, group, page);
  } else {
    score_groups_q8<kQueries, 1>(a, group, page);
  }
}

// -- softmax -------------------------------------------------------------------------------------

// The scores of 16 slots; -inf for the slots from n_keys on, whatever they hold.
__m512 seen_scores(const float* scores, int group, int n_keys) {
  const int n_seen = std::clamp(n_keys - group * kKeyGroup, 0, kKeyGroup);
  const auto seen = static_cast<__mmask16>((1U << n_seen) - 1U);
  return _mm512_mask_loadu_ps(_mm512_set1_ps(-kInfinity), seen, scores + group * kKeyGroup);
}

// Turns scores into weights, in two walks over the heads so that their folds overlap.
template <int kQueries>
void weigh(PageSoftmax& page, int n_keys) {
  for (int q = 0; q < kQueries; ++q) {
    __m512 maxima = seen_scores(page.weights[q], 0, n_keys);
    for (int g = 1; g < kGroups; ++g) {
      maxima = _mm512_max_ps(maxima, seen_scores(page.weights[q], g, n_keys));
    }
    page.maximum[q] = folded_maximum_avx512(maxima);
  }
  for (int q = 0; q < kQueries; ++q) {
    const __m512 maximum = _mm512_set1_ps(page.maximum[q]);
    __m512 sums = _mm512_setzero_ps();
    for (int g = 0; g < kGroups; ++g) {
      const __m512 score = seen_scores(page.weights[q], g, n_keys);
      const __m512 weight = exponential_avx512(_mm512_sub_ps(score, maximum));
      _mm512_store_ps(page.weights[q] + g * kKeyGroup, weight);
      sums = _mm512_add_ps(sums, weight);
    }
    page.sum[q] = folded_sum_avx512(sums);
  }
}

// Brings maximum and sum of the running softmax up to date, and leaves the two shares that its
// output and the page's are to be multiplied with.
void merge_sums(const AttentionPageArguments& a, int n_queries, PageSoftmax& page) {
  const auto heads = static_cast<__mmask16>((1U << n_queries) - 1U);
  const __m512 old_maximum = _mm512_maskz_loadu_ps(heads, a.maximum);
  const __m512 page_maximum = _mm512_maskz_load_ps(heads, page.maximum);
  const __m512 maximum = _mm512_max_ps(old_maximum, page_maximum);
  const __m512 old_share = exponential_avx512(_mm512_sub_ps(old_maximum, maximum));
  const __m512 page_share = exponential_avx512(_mm512_sub_ps(page_maximum, maximum));
  const __m512 old_sum = _mm512_mul_ps(_mm512_maskz_loadu_ps(heads, a.sum), old_share);
  const __m512 page_sum = _mm512_maskz_load_ps(heads, page.sum);
  _mm512_mask_storeu_ps(a.maximum, heads, maximum);
  _mm512_mask_storeu_ps(a.sum, heads, _mm512_fmadd_ps(page_sum, page_share, old_sum));
  _mm512_store_ps(page.old_share, old_share);
  _mm512_store_ps(page.page_share, page_share);
}

// -- values --------------------------------------------------------------------------------------

// Adds the page's weighted values of 32 dims to the running output.
template <int kQueries>
void merge_block(const AttentionPageArguments& a, const PageSoftmax& page, int block,
                 const __m512 (&sums)[kQueries][2]) {
  for (int q = 0; q < kQueries; ++q) {
    const __m512 old_share = _mm512_set1_ps(page.old_share[q]);
    const __m512 page_share = _mm512_set1_ps(page.page_share[q]);
    for (int half = 0; half < 2; ++half) {
      float* output = a.output + q * a.head_dim + block * kKvBlock + half * kLanes;
      const __m512 old = _mm512_mul_ps(_mm512_loadu_ps(output), old_share);
      _mm512_storeu_ps(output, _mm512_fmadd_ps(sums[q][half], page_share, old));
    }
  }
}

template <int kQueries>
void add_values_f16(const AttentionPageArguments& a, const PageSoftmax& page) {
  const std::byte* next_keys = a.next_keys != nullptr ? a.next_keys : a.keys;
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    const auto* values = reinterpret_cast<const f16*>(a.values) + value_index(0, block * kKvBlock);
    __m512 sums[kQueries][2];
    for (auto& row : sums) row[0] = row[1] = _mm512_setzero_ps();
    for (int slot = 0; slot < a.n_keys; ++slot) {
      prefetch(next_keys + (block * kKeysPerPage + slot) * kF16BlockBytes, kF16BlockBytes);
      const __m512 low = load_f16(values + slot * kKvBlock);
      const __m512 high = load_f16(values + slot * kKvBlock + kLanes);
      for (int q = 0; q < kQueries; ++q) {
        const __m512 weight = _mm512_set1_ps(page.weights[q][slot]);
        sums[q][0] = _mm512_fmadd_ps(weight, low, sums[q][0]);
        sums[q][1] = _mm512_fmadd_ps(weight, high, sums[q][1]);
      }
    }
    merge_block(a, page, block, sums);
  }
}

// weight * scale of each slot, for one block of dims. Scales of slots past n_keys may be NaN, and
// so may their products; nobody reads them.
template <int kQueries>
void scale_weights(const AttentionPageArguments& a, const PageSoftmax& page, int block,
                   float (&scaled)[kQueries][kKeysPerPage]) {
  const f16* scales = page_scales(a.values, a.head_dim) + kv_scale_index(0, block);
  for (int g = 0; g < kGroups; ++g) {
    const __m512 scale = load_f16(scales + g * kLanes);
    for (int q = 0; q < kQueries; ++q) {
      const __m512 weight = _mm512_load_ps(page.weights[q] + g * kLanes);
      _mm512_store_ps(scaled[q] + g * kLanes, _mm512_mul_ps(weight, scale));
    }
  }
}

__m512 load_quants(const std::int8_t* x) {
  const __m128i quants = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(quants));
}

template <int kQueries>
void add_values_q8(const AttentionPageArguments& a, const PageSoftmax& page) {
  const std::byte* next_keys = a.next_keys != nullptr ? a.next_keys : a.keys;
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    prefetch(next_keys + block * kKeysPerPage * kQ8BlockBytes, kKeysPerPage * kQ8BlockBytes);
    alignas(64) float weights[kQueries][kKeysPerPage];
    scale_weights(a, page, block, weights);
    const auto* values =
        reinterpret_cast<const std::int8_t*>(a.values) + value_index(0, block * kKvBlock);
    __m512 sums[kQueries][2];
    for (auto& row : sums) row[0] = row[1] = _mm512_setzero_ps();
    for (int slot = 0; slot < a.n_keys; ++slot) {
      const __m512 low = load_quants(values + slot * kKvBlock);
      const __m512 high = load_quants(values + slot * kKvBlock + kLanes);
      for (int q = 0; q < kQueries; ++q) {
        const __m512 weight = _mm512_set1_ps(weights[q][slot]);
        sums[q][0] = _mm512_fmadd_ps(weight, low, sums[q][0]);
        sums[q][1] = _mm512_fmadd_ps(weight, high, sums[q][1]);
      }
    }
    merge_block(a, page, block, sums);
  }
}

template <KvFormat kFormat, int kQueries>
void attend_heads(const AttentionPageArguments& a) {
  PageSoftmax page;
  score_page<kFormat, kQueries>(a, page);
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

// The largest |x| of a block, compared as integers, so that NaN is the largest; NaN for infinity
// too. Folding in any order gives the same maximum.
__m512 block_maximum(__m512 low, __m512 high) {
  const __m512i larger = _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(high)),
                                          _mm512_castps_si512(_mm512_abs_ps(low)));
  const auto largest = static_cast<std::uint32_t>(_mm512_reduce_max_epi32(larger));
  return _mm512_set1_ps(std::bit_cast<float>(largest < kInfinityBits ? largest : kNanBits));
}

__m512 inverse_scale(__m512 scale) {
  const __m512 smallest = _mm512_set1_ps(std::numeric_limits<float>::min());
  const __mmask16 usable = _mm512_cmp_ps_mask(scale, smallest, _CMP_GE_OQ);
  return _mm512_maskz_div_ps(usable, _mm512_set1_ps(1.0F), scale);
}

__m128i quantise(__m512 x, __m512 inverse) {
  const __m512 low = _mm512_max_ps(_mm512_mul_ps(x, inverse), _mm512_set1_ps(-127.0F));
  const __m512 clamped = _mm512_min_ps(low, _mm512_set1_ps(127.0F));
  return _mm512_cvtepi32_epi8(
      _mm512_cvt_roundps_epi32(clamped, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

__m256i quantise_block(__m512 low, __m512 high, __m512 inverse) {
  return _mm256_set_m128i(quantise(high, inverse), quantise(low, inverse));
}

f16 encode_block(const float* x, __m256i* quants) {
  const __m512 low = _mm512_loadu_ps(x);
  const __m512 high = _mm512_loadu_ps(x + kLanes);
  const __m512 wanted = _mm512_div_ps(block_maximum(low, high), _mm512_set1_ps(127.0F));
  const __m256i scale = _mm512_cvtps_ph(wanted, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  *quants = quantise_block(low, high, inverse_scale(_mm512_cvtph_ps(scale)));
  return static_cast<f16>(_mm256_extract_epi16(scale, 0));
}

void store_key(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; d += kLanes) {
      f16 converted[kLanes];
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(converted),
          _mm512_cvtps_ph(_mm512_loadu_ps(x + d), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
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
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(elements + value_index(slot, d)),
          _mm512_cvtps_ph(_mm512_loadu_ps(x + d), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
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
  const __m512 factor = _mm512_set1_ps(query_factor(head_dim));
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    const float* x = query + block * kKvBlock;
    const __m512 low = _mm512_mul_ps(_mm512_loadu_ps(x), factor);
    const __m512 high = _mm512_mul_ps(_mm512_loadu_ps(x + kLanes), factor);
    const __m512 scale = _mm512_div_ps(block_maximum(low, high), _mm512_set1_ps(127.0F));
    const __m256i quants = quantise_block(low, high, inverse_scale(scale));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(record + block * kKvBlock), quants);
    scales[block] = _mm512_cvtss_f32(scale);
    const __m512i wide = _mm512_cvtepi8_epi16(quants);
    const __m512i pairs = _mm512_madd_epi16(wide, _mm512_set1_epi16(-kKeyQuantOffset));
    corrections[block] = _mm512_reduce_add_epi32(pairs);
  }
}

void encode_queries(KvFormat format, const float* queries, int n_queries, int head_dim,
                    std::byte* out) {
  if (format == KvFormat::kF16) {
    const __m512 factor = _mm512_set1_ps(query_factor(head_dim));
    auto* scaled = reinterpret_cast<float*>(out);
    for (int i = 0; i < n_queries * head_dim; i += kLanes) {
      _mm512_storeu_ps(scaled + i, _mm512_mul_ps(_mm512_loadu_ps(queries + i), factor));
    }
    return;
  }
  for (int query = 0; query < n_queries; ++query) {
    encode_query_q8(queries + static_cast<std::ptrdiff_t>(query) * head_dim, head_dim,
                    out + static_cast<std::size_t>(query) * q8_query_record_bytes(head_dim));
  }
}

}  // namespace

void fill_attention_avx512(KernelSet& set) {
  fill_attention_scalar(set);
  set.store_key = store_key;
  set.store_value = store_value;
  set.encode_queries = encode_queries;
  set.attend_page = attend_page;
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__x86_64__)
