// Activation encoders: part of what fill_matmul_* fills. Internal to kernels/; matmul_kernels.h
// says what they compute.
#pragma once

#include "kernels/kernel_set.h"

namespace jevons::kernels {

void fill_encoders_scalar(KernelSet& set);
void fill_encoders_avx2(KernelSet& set);
void fill_encoders_avx512(KernelSet& set);

}  // namespace jevons::kernels
