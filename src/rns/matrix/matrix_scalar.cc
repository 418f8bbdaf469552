// Matrix products in plain C++: what the other kernels are held against.
#include "rns/matrix/words-inl.h"

namespace cryptotl {
namespace {

struct Scalar {
  using Register = uint64_t;
  static constexpr size_t kLanes = 1;
  static Register load(const void* p) { return *static_cast<const uint64_t*>(p); }
  static void store(void* p, Register a) { *static_cast<uint64_t*>(p) = a; }
  static Register broadcast(uint64_t a) { return a; }
  static Register multiply_add(Register sum, Register a, Register b) { return sum + a * b; }
};

}  // namespace

constinit const MatrixKernel scalar_matrix_kernel = WordMatrix<Scalar, 4, 4>::kernel("scalar");

}  // namespace cryptotl
