// 8 lanes: AVX2.

#include <immintrin.h>

#include "rns/kernels/tables.h"
#include "rns/kernels/vector_table-inl.h"

namespace cryptotl {
namespace {

struct Avx2 {
  using Register = __m256i;
  static constexpr size_t kLanes = 8;
  static constexpr size_t kFusedStages =
      2;  // 4 values, 3 roots with quotients and the primes: of 16 registers

  CRYPTOTL_INLINE static Register load(const uint32_t* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  CRYPTOTL_INLINE static void store(uint32_t* p, Register a) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(p), a);
  }
  CRYPTOTL_INLINE static Register load_unaligned(const uint32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  CRYPTOTL_INLINE static void store_unaligned(uint32_t* p, Register a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
  }
  CRYPTOTL_INLINE static Register broadcast(uint32_t a) { return _mm256_set1_epi32(static_cast<int>(a)); }
  template <size_t kRepeat>
  CRYPTOTL_INLINE static Register load_repeated(const uint32_t* p) {
    if constexpr (kRepeat == 1) {
      return load(p);
    } else if constexpr (kRepeat == 2) {
      const __m128i a = _mm_load_si128(reinterpret_cast<const __m128i*>(p));
      return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(a), _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0));
    } else {
      static_assert(kRepeat == 4);
      const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
      return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(a), _mm256_set_epi32(1, 1, 1, 1, 0, 0, 0, 0));
    }
  }

  CRYPTOTL_INLINE static Register add(Register a, Register b) { return _mm256_add_epi32(a, b); }
  CRYPTOTL_INLINE static Register subtract(Register a, Register b) { return _mm256_sub_epi32(a, b); }
  CRYPTOTL_INLINE static Register min(Register a, Register b) { return _mm256_min_epu32(a, b); }
  CRYPTOTL_INLINE static Register multiply_low(Register a, Register b) { return _mm256_mullo_epi32(a, b); }
  // Signed comparison: both are below 2^31.
  CRYPTOTL_INLINE static Register add_where_above(Register a, Register bound, Register b) {
    return _mm256_add_epi32(a, _mm256_and_si256(_mm256_cmpgt_epi32(a, bound), b));
  }

  CRYPTOTL_INLINE static Register multiply_even(Register a, Register b) { return _mm256_mul_epu32(a, b); }
  CRYPTOTL_INLINE static Register add_wide(Register a, Register b) { return _mm256_add_epi64(a, b); }
  CRYPTOTL_INLINE static Register shift_right(Register a, uint32_t bits) {
    return _mm256_srl_epi64(a, _mm_cvtsi32_si128(static_cast<int>(bits)));
  }
  CRYPTOTL_INLINE static Register odd_lanes(Register a) { return _mm256_srli_epi64(a, 32); }
  CRYPTOTL_INLINE static Register high_words(Register even, Register odd) {
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, kOdd);
  }
  CRYPTOTL_INLINE static Register low_words(Register even, Register odd) {
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), kOdd);
  }

  // Swaps the lanes of x with this bit of their number set for those of y with it clear.
  template <size_t kDistance>
  CRYPTOTL_INLINE static void exchange(Register& x, Register& y) {
    const Register a = x, b = y;
    if constexpr (kDistance == 4) {
      x = _mm256_permute2x128_si256(a, b, 0x20);
      y = _mm256_permute2x128_si256(a, b, 0x31);
    } else if constexpr (kDistance == 2) {
      x = _mm256_unpacklo_epi64(a, b);
      y = _mm256_unpackhi_epi64(a, b);
    } else {
      static_assert(kDistance == 1);
      x = low_words(a, b);
      y = high_words(a, b);
    }
  }

  // Even values in x and odd ones in y to their natural order, and back.
  CRYPTOTL_INLINE static void interleave(Register& x, Register& y) {
    const Register a = _mm256_unpacklo_epi32(x, y);
    const Register b = _mm256_unpackhi_epi32(x, y);
    x = _mm256_permute2x128_si256(a, b, 0x20);
    y = _mm256_permute2x128_si256(a, b, 0x31);
  }
  CRYPTOTL_INLINE static void deinterleave(Register& x, Register& y) {
    const __m256 a = _mm256_castsi256_ps(x), b = _mm256_castsi256_ps(y);
    x = _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)), 0xd8);
    y = _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)), 0xd8);
  }

  // A block is two registers: each half of the output takes its lanes from both.
  CRYPTOTL_INLINE static Register reverse(Register a) {
    return _mm256_permutevar8x32_epi32(a, _mm256_set_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  CRYPTOTL_INLINE static void permute(Register* block, const uint32_t* lanes) {
    const Register low = block[0], high = block[1];
    for (size_t part = 0; part < 2; ++part) {
      const Register source = load(lanes + part * kLanes);
      block[part] = _mm256_blendv_epi8(_mm256_permutevar8x32_epi32(low, source),
                                       _mm256_permutevar8x32_epi32(high, source),
                                       _mm256_cmpgt_epi32(source, broadcast(kLanes - 1)));
    }
  }

 private:
  static constexpr int kOdd = 0xaa;
};

}  // namespace

constinit const KernelTable avx2_kernels = vector_table<Avx2>("avx2");

}  // namespace cryptotl
