// The AVX-VNNI kernels on a CPU that has only AVX2: their code as it is, but for the instructions.
#define JEVONS_EMULATE_AVX_VNNI
#include "tests/kernels/matmul_fixture.h"

#if defined(__x86_64__)

#include "kernels/small_avx_vnni.h"
#include "kernels/super_avx_vnni.h"

namespace jevons::kernels {

const KernelSet* emulated_avx_vnni() {
  if (!cpu_supports(Isa::kAvx2)) return nullptr;
  static const KernelSet kSet = [] {
    KernelSet set = kernel_set(Isa::kAvx2);
    set.isa = Isa::kAvxVnni;
    set.name = "avxvnni, emulated";
    fill_small_avx_vnni(set);
    fill_super_avx_vnni(set);
    return set;
  }();
  return &kSet;
}

}  // namespace jevons::kernels

#else

namespace jevons::kernels {

const KernelSet* emulated_avx_vnni() { return nullptr; }

}  // namespace jevons::kernels

#endif
