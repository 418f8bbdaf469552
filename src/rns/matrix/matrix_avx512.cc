// 8 lanes of 64 bits: AVX-512 F, DQ, BW and VL.
#include <immintrin.h>

#include "rns/matrix/words-inl.h"

namespace cryptotl {
namespace {

struct Avx512Words {
  using Register = __m512i;
  static constexpr size_t kLanes = 8;
  static Register load(const void* p) { return _mm512_load_si512(p); }
  static void store(void* p, Register a) { _mm512_store_si512(p, a); }
  static Register broadcast(uint64_t a) { return _mm512_set1_epi64(static_cast<int64_t>(a)); }
  static Register multiply_add(Register sum, Register a, Register b) {
    return _mm512_add_epi64(sum, _mm512_mul_epu32(a, b));
  }
};

}  // namespace

constinit const MatrixKernel avx512_matrix_kernel = WordMatrix<Avx512Words, 8, 3>::kernel("avx512");

}  // namespace cryptotl
