// Instruction sets that kernels are written for, and the switch that turns one on for a region of
// a source file. All includes stand before the region, so that no inline function of a header is
// ever compiled for a CPU that may not be there.
#pragma once

#include <cstdint>

namespace jevons::kernels {

enum class Isa : std::uint8_t { kScalar, kAvx2, kAvxVnni, kAvx512, kNeon };
inline constexpr Isa kAllIsas[] = {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512,
                                   Isa::kNeon};

/// kAvx2: AVX2, FMA, F16C. kAvxVnni: these and AVX-VNNI (Alder Lake and later, which lack
/// AVX-512). kAvx512: AVX-512 F, BW, VL, DQ, VBMI, VNNI and BF16 (Zen 4, Sapphire
/// Rapids and later). kNeon: 64-bit ARM with the dot products of ARMv8.2 (Cortex-A75, Neoverse N1,
/// Apple M1 and later).
[[nodiscard]] bool cpu_supports(Isa isa);
[[nodiscard]] Isa best_isa();
/// "scalar", "avx2", "avxvnni", "avx512", "neon"
[[nodiscard]] const char* isa_name(Isa isa);

}  // namespace jevons::kernels

#define JEVONS_PRAGMA(x) _Pragma(#x)
#if defined(__clang__)
#define JEVONS_TARGET_BEGIN(features) \
  JEVONS_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define JEVONS_TARGET_END JEVONS_PRAGMA(clang attribute pop)
#else
#define JEVONS_TARGET_BEGIN(features) \
  JEVONS_PRAGMA(GCC push_options)     \
  JEVONS_PRAGMA(GCC target(features))
#define JEVONS_TARGET_END JEVONS_PRAGMA(GCC pop_options)
#endif
