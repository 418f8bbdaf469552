// Dot products of four bytes: AVX-512 VNNI.
#include <immintrin.h>

#include "rns/matrix/bytes-inl.h"

namespace cryptotl {
namespace {

constexpr size_t kRows = 4;
constexpr size_t kColumns = 4;  // that one instruction sums up

size_t weight_words(size_t depth, size_t digits) { return kRows * digits * round_up(depth, kColumns) / 8; }
size_t residue_words(size_t depth) { return kResidueBytes * kBytePositions * round_up(depth, kColumns) / 8; }

/// [depth/4][row][digit][4 columns].
void pack_weights(uint64_t* out, const int32_t* entries, size_t rows, size_t depth, size_t stride,
                  size_t digits) {
  auto* at = reinterpret_cast<int8_t*>(out);
  for (size_t k = 0; k < depth; k += kColumns) {
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t d = 0; d < digits; ++d) {
        for (size_t l = 0; l < kColumns; ++l) {
          *at++ = r < rows && k + l < depth ? entry_digit(entries[r * stride + k + l], d) : int8_t{0};
        }
      }
    }
  }
}

void pack_residues(uint64_t* out, int64_t*, const uint32_t* const* rows, size_t depth, size_t first,
                   size_t count, size_t) {
  pack_residue_bytes(out, rows, depth, kColumns, first, count);
}

template <size_t kDigits>
void multiply_digits(int64_t* sums, size_t stride, const uint64_t* weights, const uint64_t* residues,
                     size_t depth) {
  constexpr size_t kPlaces = kResidueBytes + kDigits - 1;
  const auto* weight = reinterpret_cast<const int32_t*>(weights);
  __m512i sum[kRows][kPlaces];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (size_t p = 0; p < kPlaces; ++p) sum[r][p] = _mm512_setzero_si512();
  }
  for (size_t k = 0; k < depth; k += kColumns) {
    __m512i residue[kResidueBytes];
#pragma GCC unroll 4
    for (size_t b = 0; b < kResidueBytes; ++b, residues += 8) residue[b] = _mm512_load_si512(residues);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (size_t d = 0; d < kDigits; ++d) {
        const __m512i digit = _mm512_set1_epi32(*weight++);
#pragma GCC unroll 4
        for (size_t b = 0; b < kResidueBytes; ++b)
          sum[r][b + d] = _mm512_dpbusd_epi32(sum[r][b + d], residue[b], digit);
      }
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    int64_t* const out = sums + r * stride;
    __m512i low = _mm512_load_si512(out);
    __m512i high = _mm512_load_si512(out + 8);
#pragma GCC unroll 8
    for (size_t p = 0; p < kPlaces; ++p) {
      const auto shift = static_cast<unsigned>(8 * p);
      low = _mm512_add_epi64(
          low, _mm512_slli_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(sum[r][p])), shift));
      high = _mm512_add_epi64(
          high, _mm512_slli_epi64(_mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sum[r][p], 1)), shift));
    }
    _mm512_store_si512(out, low);
    _mm512_store_si512(out + 8, high);
  }
}

void multiply(int64_t* sums, size_t stride, const uint64_t* weights, const uint64_t* residues, size_t depth,
              size_t digits) {
  if (digits == 2) {
    multiply_digits<2>(sums, stride, weights, residues, depth);
  } else {
    multiply_digits<3>(sums, stride, weights, residues, depth);
  }
}

}  // namespace

constinit const MatrixKernel vnni_matrix_kernel = {"vnni",       kRows,         kBytePositions, 3,
                                                   weight_words, residue_words, pack_weights,   pack_residues,
                                                   multiply,     reduce_sums};

}  // namespace cryptotl
