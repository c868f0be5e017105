// Collects the NEON kernels.
#include "kernels/matmul_kernels.h"

#if defined(__aarch64__)

namespace jevons::kernels {

void fill_matmul_neon(KernelSet& set) {
  fill_floats_neon(set);
  fill_small_blocks_neon(set);
  fill_super_blocks_neon(set);
  fill_encoders_neon(set);
}

}  // namespace jevons::kernels

#endif
