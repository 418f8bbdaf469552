// 8 lanes of 64 bits: AVX-512 F, DQ, BW and VL.
#include "rns/matrix/avx512_words-inl.h"
#include "rns/matrix/words-inl.h"

namespace cryptotl {
namespace {

struct Avx512Words : Avx512Lanes {
  static Register multiply_add(Register sum, Register a, Register b) {
    return _mm512_add_epi64(sum, _mm512_mul_epu32(a, b));
  }
};

}  // namespace

constinit const MatrixKernel avx512_matrix_kernel = WordMatrix<Avx512Words, 8, 3>::kernel("avx512");

}  // namespace cryptotl
