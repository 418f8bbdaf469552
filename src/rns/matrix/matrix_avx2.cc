// 4 lanes of 64 bits: AVX2.
#include <immintrin.h>

#include "rns/matrix/words-inl.h"

namespace cryptotl {
namespace {

struct Avx2Words {
  using Register = __m256i;
  static constexpr size_t kLanes = 4;
  static Register load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, Register a) { _mm256_store_si256(static_cast<__m256i*>(p), a); }
  static Register broadcast(uint64_t a) { return _mm256_set1_epi64x(static_cast<int64_t>(a)); }
  static Register multiply_add(Register sum, Register a, Register b) {
    return _mm256_add_epi64(sum, _mm256_mul_epu32(a, b));
  }
};

}  // namespace

constinit const MatrixKernel avx2_matrix_kernel = WordMatrix<Avx2Words, 4, 2>::kernel("avx2");

}  // namespace cryptotl
