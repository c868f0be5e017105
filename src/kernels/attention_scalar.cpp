// The definition of the attention kernels. The other files do the same operations in the same
// order.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/float_formats.h"
#include "kernels/kv_formats.h"
#include "kernels/matmul_kernels.h"
#include "kernels/vector_kernels.h"

namespace jevons::kernels {

float query_factor(int head_dim) { return 1.0F / std::sqrt(static_cast<float>(head_dim)); }

namespace {

constexpr int kLanes = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::size_t kv_row_bytes(KvFormat format, int head_dim) { return kv_slot_bytes(format, head_dim); }

std::size_t query_bytes(KvFormat format, int n_queries, int head_dim) {
  return encoded_query_bytes(format, n_queries, head_dim);
}

// -- int8 blocks ---------------------------------------------------------------------------------

// The largest |x|. As integers, magnitudes are ordered like the floats they are, with NaN above
// infinity: a block with a fault has scale NaN, so that it shows in whatever attends to it.
float block_maximum(const float* x) {
  std::uint32_t largest_bits = 0;
  for (int i = 0; i < kKvBlock; ++i) {
    largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(x[i]) & kMagnitudeMask);
  }
  return std::bit_cast<float>(largest_bits < kInfinityBits ? largest_bits : kNanBits);
}

// A scale too small to be inverted means that everything is zero.
float inverse_scale(float scale) {
  return scale >= std::numeric_limits<float>::min() ? 1.0F / scale : 0.0F;
}

// Rounds to nearest even, by adding and taking away 1.5 * 2^23. What is not a number gives -127.
std::int8_t quantise(float x, float inverse) {
  constexpr float kShift = 12582912.0F;
  const float scaled = x * inverse;
  const float low = scaled > -127.0F ? scaled : -127.0F;
  const float clamped = low < 127.0F ? low : 127.0F;
  return static_cast<std::int8_t>(static_cast<int>(clamped + kShift - kShift));
}

// The quants are made for the scale as the page holds it, rounded to f16.
f16 encode_block(const float* x, std::int8_t* quants) {
  const f16 scale = float_to_f16(block_maximum(x) / 127.0F);
  const float inverse = inverse_scale(f16_to_float(scale));
  for (int i = 0; i < kKvBlock; ++i) quants[i] = quantise(x[i], inverse);
  return scale;
}

// -- writing a page ------------------------------------------------------------------------------

f16* page_scales(std::byte* page, int head_dim) {
  return reinterpret_cast<f16*>(page + kv_scales_offset_bytes(head_dim));
}
const f16* page_scales(const std::byte* page, int head_dim) {
  return reinterpret_cast<const f16*>(page + kv_scales_offset_bytes(head_dim));
}

void store_key(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; ++d) {
      elements[f16_key_index(head_dim, slot, d)] = float_to_f16(x[d]);
    }
    return;
  }
  auto* stored = reinterpret_cast<std::uint8_t*>(page);
  f16* scales = page_scales(page, head_dim);
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    std::int8_t quants[kKvBlock];
    scales[kv_scale_index(slot, block)] = encode_block(x + block * kKvBlock, quants);
    for (int i = 0; i < kKvBlock; ++i) {
      stored[q8_key_index(head_dim, slot, block * kKvBlock + i)] =
          static_cast<std::uint8_t>(quants[i] + kKeyQuantOffset);
    }
  }
}

void store_value(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; ++d) elements[value_index(slot, d)] = float_to_f16(x[d]);
    return;
  }
  auto* stored = reinterpret_cast<std::int8_t*>(page);
  f16* scales = page_scales(page, head_dim);
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    scales[kv_scale_index(slot, block)] =
        encode_block(x + block * kKvBlock, stored + value_index(slot, block * kKvBlock));
  }
}

// -- queries -------------------------------------------------------------------------------------

void encode_query_q8(const float* query, int head_dim, std::byte* record) {
  auto* quants = reinterpret_cast<std::int8_t*>(record);
  auto* scales = reinterpret_cast<float*>(record + head_dim);
  auto* corrections = reinterpret_cast<std::int32_t*>(scales + head_dim / kKvBlock);
  const float factor = query_factor(head_dim);
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    float scaled[kKvBlock];
    for (int i = 0; i < kKvBlock; ++i) scaled[i] = query[block * kKvBlock + i] * factor;
    scales[block] = block_maximum(scaled) / 127.0F;
    const float inverse = inverse_scale(scales[block]);
    std::int32_t sum = 0;
    for (int i = 0; i < kKvBlock; ++i) {
      const std::int8_t quant = quantise(scaled[i], inverse);
      quants[block * kKvBlock + i] = quant;
      sum += quant;
    }
    corrections[block] = -kKeyQuantOffset * sum;
  }
}

void encode_queries(KvFormat format, const float* queries, int n_queries, int head_dim,
                    std::byte* out) {
  if (format == KvFormat::kF16) {
    const float factor = query_factor(head_dim);
    auto* scaled = reinterpret_cast<float*>(out);
    for (int i = 0; i < n_queries * head_dim; ++i) scaled[i] = queries[i] * factor;
    return;
  }
  for (int query = 0; query < n_queries; ++query) {
    encode_query_q8(queries + static_cast<std::ptrdiff_t>(query) * head_dim, head_dim,
                    out + static_cast<std::size_t>(query) * q8_query_record_bytes(head_dim));
  }
}

// -- one query head, one page --------------------------------------------------------------------

// f16: one chain of fused multiply-adds over the dims.
float score_f16(const AttentionPageArguments& a, int query, int slot) {
  const auto* q = reinterpret_cast<const float*>(a.encoded_queries) +
                  static_cast<std::ptrdiff_t>(query) * a.head_dim;
  const auto* keys = reinterpret_cast<const f16*>(a.keys);
  float score = 0.0F;
  for (int d = 0; d < a.head_dim; ++d) {
    score = std::fma(f16_to_float(keys[f16_key_index(a.head_dim, slot, d)]), q[d], score);
  }
  return score;
}

// q8_0: the blocks' exact dot products, scaled and added in the order of the blocks.
float score_q8(const AttentionPageArguments& a, int query, int slot) {
  const Q8Query q(a.encoded_queries, a.head_dim, query);
  const auto* keys = reinterpret_cast<const std::uint8_t*>(a.keys);
  const f16* scales = page_scales(a.keys, a.head_dim);
  float score = 0.0F;
  for (int block = 0; block < a.head_dim / kKvBlock; ++block) {
    std::int32_t dot = q.corrections[block];
    for (int d = block * kKvBlock; d < (block + 1) * kKvBlock; ++d) {
      dot += keys[q8_key_index(a.head_dim, slot, d)] * q.quants[d];
    }
    const float scale = f16_to_float(scales[kv_scale_index(slot, block)]) * q.scales[block];
    score = std::fma(static_cast<float>(dot), scale, score);
  }
  return score;
}

struct PageSoftmax {
  float maximum;
  float sum;
  float weights[kKeysPerPage];  // e^(score - maximum); 0 for the slots that are not seen
};

// Slot s belongs to lane s mod 16. Maximum and sum run down each lane, then fold the upper half of
// the lanes onto the lower until one is left.
PageSoftmax softmax_of(const float* scores) {
  float maxima[kLanes];
  std::copy_n(scores, kLanes, maxima);
  const auto larger = [](float a, float b) { return a > b ? a : b; };
  for (int s = kLanes; s < kKeysPerPage; ++s) {
    maxima[s % kLanes] = larger(maxima[s % kLanes], scores[s]);
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) {
      maxima[lane] = larger(maxima[lane], maxima[lane + half]);
    }
  }
  PageSoftmax page{.maximum = maxima[0], .sum = 0.0F, .weights = {}};
  float sums[kLanes] = {};
  for (int s = 0; s < kKeysPerPage; ++s) {
    page.weights[s] = exponential(scores[s] - page.maximum);
    sums[s % kLanes] += page.weights[s];
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  page.sum = sums[0];
  return page;
}

// One chain of fused multiply-adds over the slots.
float weighted_value(KvFormat format, const AttentionPageArguments& a, const PageSoftmax& page,
                     int dim) {
  float result = 0.0F;
  for (int slot = 0; slot < a.n_keys; ++slot) {
    const int index = value_index(slot, dim);
    if (format == KvFormat::kF16) {
      const float value = f16_to_float(reinterpret_cast<const f16*>(a.values)[index]);
      result = std::fma(page.weights[slot], value, result);
    } else {
      const f16 scale = page_scales(a.values, a.head_dim)[kv_scale_index(slot, dim / kKvBlock)];
      const auto quant = reinterpret_cast<const std::int8_t*>(a.values)[index];
      const float weight = page.weights[slot] * f16_to_float(scale);
      result = std::fma(weight, static_cast<float>(quant), result);
    }
  }
  return result;
}

// The page's own softmax is finished before the running one is looked at, so that a page's share
// does not depend on the pages before it.
void attend_page(KvFormat format, const AttentionPageArguments& a) {
  for (int query = 0; query < a.n_queries; ++query) {
    float scores[kKeysPerPage];
    std::fill_n(scores, kKeysPerPage, -kInfinity);
    for (int slot = 0; slot < a.n_keys; ++slot) {
      scores[slot] =
          format == KvFormat::kF16 ? score_f16(a, query, slot) : score_q8(a, query, slot);
    }
    const PageSoftmax page = softmax_of(scores);
    const float maximum = a.maximum[query] > page.maximum ? a.maximum[query] : page.maximum;
    const float old_share = exponential(a.maximum[query] - maximum);
    const float page_share = exponential(page.maximum - maximum);
    a.maximum[query] = maximum;
    a.sum[query] = std::fma(page.sum, page_share, a.sum[query] * old_share);
    float* output = a.output + static_cast<std::ptrdiff_t>(query) * a.head_dim;
    for (int d = 0; d < a.head_dim; ++d) {
      output[d] = std::fma(weighted_value(format, a, page, d), page_share, output[d] * old_share);
    }
  }
}

}  // namespace

void fill_attention_scalar(KernelSet& set) {
  set.kv_row_bytes = kv_row_bytes;
  set.query_bytes = query_bytes;
  set.store_key = store_key;
  set.store_value = store_value;
  set.encode_queries = encode_queries;
  set.attend_page = attend_page;
}

}  // namespace jevons::kernels
