// 16 lanes: AVX-512 F, DQ, BW and VL.

#include <immintrin.h>

#include "rns/kernels/tables.h"
#include "rns/kernels/vector_table-inl.h"

namespace cryptotl {
namespace {

struct Avx512 {
  using Register = __m512i;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kFusedStages =
      3;  // 8 values, 7 roots with quotients and the primes fill 32 registers

  CRYPTOTL_INLINE static Register load(const uint32_t* p) { return _mm512_load_si512(p); }
  CRYPTOTL_INLINE static void store(uint32_t* p, Register a) { _mm512_store_si512(p, a); }
  CRYPTOTL_INLINE static Register load_unaligned(const uint32_t* p) { return _mm512_loadu_si512(p); }
  CRYPTOTL_INLINE static void store_unaligned(uint32_t* p, Register a) { _mm512_storeu_si512(p, a); }
  CRYPTOTL_INLINE static Register broadcast(uint32_t a) { return _mm512_set1_epi32(static_cast<int>(a)); }
  template <size_t kRepeat>
  CRYPTOTL_INLINE static Register load_repeated(const uint32_t* p) {
    if constexpr (kRepeat == 1) {
      return load(p);
    } else if constexpr (kRepeat == 2) {
      const __m256i a = _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
      return _mm512_permutexvar_epi32(_mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0),
                                      _mm512_castsi256_si512(a));
    } else if constexpr (kRepeat == 4) {
      const __m128i a = _mm_load_si128(reinterpret_cast<const __m128i*>(p));
      return _mm512_permutexvar_epi32(_mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0),
                                      _mm512_castsi128_si512(a));
    } else {
      static_assert(kRepeat == 8);
      const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
      return _mm512_permutexvar_epi32(_mm512_set_epi32(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
                                      _mm512_castsi128_si512(a));
    }
  }

  CRYPTOTL_INLINE static Register add(Register a, Register b) { return _mm512_add_epi32(a, b); }
  CRYPTOTL_INLINE static Register subtract(Register a, Register b) { return _mm512_sub_epi32(a, b); }
  CRYPTOTL_INLINE static Register min(Register a, Register b) { return _mm512_min_epu32(a, b); }
  CRYPTOTL_INLINE static Register multiply_low(Register a, Register b) { return _mm512_mullo_epi32(a, b); }
  CRYPTOTL_INLINE static Register add_where_above(Register a, Register bound, Register b) {
    return _mm512_mask_add_epi32(a, _mm512_cmpgt_epu32_mask(a, bound), a, b);
  }

  CRYPTOTL_INLINE static Register multiply_even(Register a, Register b) { return _mm512_mul_epu32(a, b); }
  CRYPTOTL_INLINE static Register add_wide(Register a, Register b) { return _mm512_add_epi64(a, b); }
  CRYPTOTL_INLINE static Register shift_right(Register a, uint32_t bits) {
    return _mm512_srli_epi64(a, bits);
  }
  CRYPTOTL_INLINE static Register odd_lanes(Register a) {
    return _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(a)));
  }
  CRYPTOTL_INLINE static Register high_words(Register even, Register odd) {
    return _mm512_castps_si512(
        _mm512_mask_movehdup_ps(_mm512_castsi512_ps(odd), kEven, _mm512_castsi512_ps(even)));
  }
  CRYPTOTL_INLINE static Register low_words(Register even, Register odd) {
    return _mm512_castps_si512(
        _mm512_mask_moveldup_ps(_mm512_castsi512_ps(even), kOdd, _mm512_castsi512_ps(odd)));
  }

  // Swaps the lanes of x with this bit of their number set for those of y with it clear.
  template <size_t kDistance>
  CRYPTOTL_INLINE static void exchange(Register& x, Register& y) {
    const Register a = x, b = y;
    if constexpr (kDistance == 8) {
      x = _mm512_shuffle_i64x2(a, b, 0x44);
      y = _mm512_shuffle_i64x2(a, b, 0xee);
    } else if constexpr (kDistance == 4) {
      x = _mm512_permutex2var_epi64(a, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), b);
      y = _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), b);
    } else if constexpr (kDistance == 2) {
      x = _mm512_unpacklo_epi64(a, b);
      y = _mm512_unpackhi_epi64(a, b);
    } else {
      static_assert(kDistance == 1);
      x = low_words(a, b);
      y = high_words(a, b);
    }
  }

  // Even values in x and odd ones in y to their natural order, and back.
  CRYPTOTL_INLINE static void interleave(Register& x, Register& y) {
    const Register a = x, b = y;
    x = _mm512_permutex2var_epi32(a, _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0),
                                  b);
    y = _mm512_permutex2var_epi32(
        a, _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8), b);
  }
  CRYPTOTL_INLINE static void deinterleave(Register& x, Register& y) {
    const Register a = x, b = y;
    x = _mm512_permutex2var_epi32(
        a, _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0), b);
    y = _mm512_permutex2var_epi32(
        a, _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1), b);
  }

  CRYPTOTL_INLINE static Register reverse(Register a) {
    return _mm512_permutexvar_epi32(_mm512_set_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                    a);
  }
  CRYPTOTL_INLINE static void permute(Register* block, const uint32_t* lanes) {
    block[0] = _mm512_permutexvar_epi32(load(lanes), block[0]);
  }

 private:
  static constexpr __mmask16 kEven = 0x5555;
  static constexpr __mmask16 kOdd = 0xaaaa;
};

}  // namespace

constinit const KernelTable avx512_kernels = vector_table<Avx512>("avx512");

}  // namespace cryptotl
