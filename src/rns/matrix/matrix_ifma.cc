// The same with 52-bit multiply-adds: AVX-512 IFMA. Products are below 2^52, so their low 52 bits are all
// of them.
#include "rns/matrix/avx512_words-inl.h"
#include "rns/matrix/words-inl.h"

namespace cryptotl {
namespace {

struct IfmaWords : Avx512Lanes {
  static Register multiply_add(Register sum, Register a, Register b) {
    return _mm512_madd52lo_epu64(sum, a, b);
  }
};

}  // namespace

constinit const MatrixKernel ifma_matrix_kernel = WordMatrix<IfmaWords, 8, 3>::kernel("ifma");

}  // namespace cryptotl
