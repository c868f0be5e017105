// Collects the AVX-512 kernels.
#include "kernels/matmul_kernels.h"

#if defined(__x86_64__)

namespace jevons::kernels {

void fill_matmul_avx512(KernelSet& set) { static_cast<void>(set); }

}  // namespace jevons::kernels

#endif
