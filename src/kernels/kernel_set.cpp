#include "kernels/kernel_set.h"

#include <cstdio>
#include <cstdlib>

#include "kernels/matmul_kernels.h"
#include "kernels/vector_kernels.h"

namespace jevons::kernels {
namespace {

KernelSet make_set(Isa isa) {
  KernelSet set{};
  set.isa = isa;
  set.name = isa_name(isa);
  fill_matmul_scalar(set);
  fill_vector_scalar(set);
#if defined(__x86_64__)
  if (isa == Isa::kAvx2 || isa == Isa::kAvxVnni || isa == Isa::kAvx512) {
    fill_matmul_avx2(set);
    fill_vector_avx2(set);
  }
  if (isa == Isa::kAvxVnni) fill_matmul_avx_vnni(set);
  if (isa == Isa::kAvx512) {
    fill_matmul_avx512(set);
    fill_vector_avx512(set);
  }
#elif defined(__aarch64__)
  if (isa == Isa::kNeon) {
    fill_matmul_neon(set);
    fill_vector_neon(set);
  }
#endif
  return set;
}

// kernels/ may include no other room, so this check is written out.
[[noreturn]] void fail(const char* what, const char* name) {
  std::fprintf(stderr, "jevons: internal error: %s (%s)\n", what, name);
  std::abort();
}

}  // namespace

ActivationFormat KernelSet::activation_format(WeightFormat format) const {
  return activation_formats[format_index(format)];
}

MatmulFunction KernelSet::matmul(WeightFormat format) const {
  const MatmulFunction function = matmuls[format_index(format)];
  if (function == nullptr) fail("no matrix kernel for this weight format", facts(format).name);
  return function;
}

EncodeFunction KernelSet::encode(ActivationFormat format) const {
  return encoders[format_index(format)];
}

const KernelSet& kernel_set(Isa isa) {
  if (!cpu_supports(isa)) fail("this CPU cannot run the kernel set asked for", isa_name(isa));
  switch (isa) {
    case Isa::kScalar: {
      static const KernelSet kSet = make_set(Isa::kScalar);
      return kSet;
    }
    case Isa::kAvx2: {
      static const KernelSet kSet = make_set(Isa::kAvx2);
      return kSet;
    }
    case Isa::kAvxVnni: {
      static const KernelSet kSet = make_set(Isa::kAvxVnni);
      return kSet;
    }
    case Isa::kAvx512: {
      static const KernelSet kSet = make_set(Isa::kAvx512);
      return kSet;
    }
    case Isa::kNeon: {
      static const KernelSet kSet = make_set(Isa::kNeon);
      return kSet;
    }
  }
  fail("unknown instruction set", isa_name(isa));
}

const KernelSet& best_kernel_set() { return kernel_set(best_isa()); }

}  // namespace jevons::kernels
