// How much of a processor's peak our kernels reach, by format and instruction set: measurements of
// docs/PERFORMANCE.md as a table. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace jevons {

/// The part of the 8-bit peak (of the 32-bit float peak for F32, F16 and BF16) that multiplying a
/// matrix of this type with `n_tokens` tokens at once reaches if memory does not hold it up;
/// between the measured numbers of tokens it is interpolated by the logarithm. kernels: "avx2",
/// "avxvnni", "avx512", "neon" or "scalar"; what was not measured takes the figure of the nearest
/// type, NEON those of AVX2, and AVX-VNNI a part of them. Of the scalar kernels nothing is known
/// but that they reach their peak, which is low.
[[nodiscard]] double kernel_share(std::uint32_t type_id, double n_tokens, std::string_view kernels);

/// Whether the 32-bit float peak counts for this type.
[[nodiscard]] bool is_float_type(std::uint32_t type_id);

/// The part of the 32-bit float peak that attention reaches, with keys and values in q8_0 or f16
/// alike: its queries one by one in an answer, many at once in a prompt.
[[nodiscard]] double attention_share(bool is_prompt);

}  // namespace jevons
