// Collects the AVX2 kernels.
#include "kernels/matmul_kernels.h"

#if defined(__x86_64__)

namespace jevons::kernels {

void fill_matmul_avx2(KernelSet& set) {
  fill_floats_avx2(set);
  fill_small_blocks_avx2(set);
  fill_super_blocks_avx2(set);
  fill_encoders_avx2(set);
}

}  // namespace jevons::kernels

#endif
