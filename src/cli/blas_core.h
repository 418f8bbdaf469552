#pragma once

namespace cryptotl {

/// OpenBLAS picks its kernels by the processor's model when it is loaded, and takes the slowest, without AVX,
/// for models that it does not know, such as those that virtual machines tell of: matrix products take five
/// times as long. Where it did so, starts the program again, once, with OPENBLAS_CORETYPE set to what the
/// processor can do. Returns where there is nothing to change, or where it cannot be.
void restart_with_better_blas_core(char** arguments);

}  // namespace cryptotl
