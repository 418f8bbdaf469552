#pragma once

// What all kernels with 8 lanes of 64 bits share: AVX-512 F.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace cryptotl {
namespace {

struct Avx512Lanes {
  using Register = __m512i;
  static constexpr size_t kLanes = 8;
  static Register load(const void* p) { return _mm512_load_si512(p); }
  static void store(void* p, Register a) { _mm512_store_si512(p, a); }
  static Register broadcast(uint64_t a) { return _mm512_set1_epi64(static_cast<int64_t>(a)); }
};

}  // namespace
}  // namespace cryptotl
