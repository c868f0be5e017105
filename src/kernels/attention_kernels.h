// The attention half of the vector kernels. Internal to kernels/: fill_vector_* calls these.
#pragma once

#include "kernels/kernel_set.h"

namespace jevons::kernels {

/// Fill kv_row_bytes, query_bytes, store_key, store_value, encode_queries and attend_page.
void fill_attention_scalar(KernelSet& set);
void fill_attention_avx2(KernelSet& set);
void fill_attention_avx512(KernelSet& set);
void fill_attention_neon(KernelSet& set);

/// The part of the NEON set that writes pages and queries.
void fill_kv_pages_neon(KernelSet& set);

/// What encode_queries multiplies with: 1/sqrt(head_dim).
[[nodiscard]] float query_factor(int head_dim);

}  // namespace jevons::kernels
