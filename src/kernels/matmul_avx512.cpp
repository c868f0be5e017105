// Collects the AVX-512 kernels.
#include "kernels/matmul_kernels.h"

#if defined(__x86_64__)

namespace jevons::kernels {

void fill_matmul_avx512(KernelSet& set) {
  fill_floats_avx512(set);
  fill_small_blocks_avx512(set);
  fill_iq4xs_avx512(set);
  fill_q2k_q3k_avx512(set);
  fill_q4k_q5k_avx512(set);
  fill_q6k_avx512(set);
}

}  // namespace jevons::kernels

#endif
