#pragma once

#include "cryptotl/rns/kernels.h"

namespace cryptotl {

// One for each instruction set that this build has code for; whether the machine runs it is kernels.cc's
// business.
extern const KernelTable scalar_kernels;
extern const KernelTable avx2_kernels;
extern const KernelTable avx512_kernels;

}  // namespace cryptotl
