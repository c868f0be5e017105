// What the compiler is told about loops and functions of the vector kernels. Internal to kernels/.
#pragma once

// Loops over registers are written as loops and must vanish; others must stay, or what they keep in
// registers goes to memory.
#if defined(__clang__)
#define JEVONS_UNROLL _Pragma("unroll")
#define JEVONS_KEEP_LOOP _Pragma("nounroll")
#else
#define JEVONS_UNROLL _Pragma("GCC unroll 16")
#define JEVONS_KEEP_LOOP _Pragma("GCC unroll 1")
#endif

// For what is written once and belongs into the inner loop of every caller.
#define JEVONS_FORCE_INLINE [[gnu::always_inline]] inline
