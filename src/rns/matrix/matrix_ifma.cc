// The same with 52-bit multiply-adds: AVX-512 IFMA. A product is below 2^48, so its low 52 bits are all of
// it.
#include <immintrin.h>

#include "rns/matrix/words-inl.h"

namespace cryptotl {
namespace {

struct IfmaWords {
  using Register = __m512i;
  static constexpr size_t kLanes = 8;
  static Register load(const void* p) { return _mm512_load_si512(p); }
  static void store(void* p, Register a) { _mm512_store_si512(p, a); }
  static Register broadcast(uint64_t a) { return _mm512_set1_epi64(static_cast<int64_t>(a)); }
  static Register multiply_add(Register sum, Register a, Register b) {
    return _mm512_madd52lo_epu64(sum, a, b);
  }
};

}  // namespace

constinit const MatrixKernel ifma_matrix_kernel = WordMatrix<IfmaWords, 8, 3>::kernel("ifma");

}  // namespace cryptotl
