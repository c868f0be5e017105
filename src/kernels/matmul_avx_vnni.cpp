// The kernels that AVX-VNNI replaces.
#if defined(__x86_64__)

#include "kernels/matmul_kernels.h"
#include "kernels/small_avx_vnni.h"
#include "kernels/super_avx_vnni.h"

namespace jevons::kernels {

void fill_matmul_avx_vnni(KernelSet& set) {
  fill_small_avx_vnni(set);
  fill_super_avx_vnni(set);
}

}  // namespace jevons::kernels

#endif
