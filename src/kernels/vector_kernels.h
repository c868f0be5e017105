// Norm, rotary, gating and attention kernels: what a KernelSet has besides its matmuls, and the
// one exponential that all of them are built on. Any thread may call anything here.
//
// Every set gives the same bits. The scalar set (vector_scalar.cpp, attention_scalar.cpp) is the
// definition: it spells out each reduction tree and each fused multiply-add that the others
// follow. Only NaN payloads may differ.
#pragma once

#include "kernels/kernel_set.h"

namespace jevons::kernels {

/// Fill rms_norm, rope, silu_multiply, add_scaled, kv_row_bytes, query_bytes, store_key,
/// store_value, encode_queries and attend_page. The AVX fillers exist on x86-64 only, the NEON
/// filler on 64-bit ARM, and what they fill in must be called on a CPU that has the set.
void fill_vector_scalar(KernelSet& set);
void fill_vector_avx2(KernelSet& set);
void fill_vector_avx512(KernelSet& set);
void fill_vector_neon(KernelSet& set);

/// e^x as every set computes it, within 1 ulp. Below -87.33654 (where floats become denormal) it
/// is 0, above 88.72284 +inf; NaN stays NaN.
[[nodiscard]] float exponential(float x);

/// 1 / (1 + e^-x), from `exponential`: the router's probabilities, silu's gate.
[[nodiscard]] float sigmoid(float x);

}  // namespace jevons::kernels
