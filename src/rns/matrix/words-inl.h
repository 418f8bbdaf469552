#pragma once

// Matrix products with a residue in each 64-bit lane. An entry w stands as w + 2^17, so that all factors are
// positive: products are below 2^48, and sums over 4096 of them below 2^60. What the 2^17 add up to at a
// position, a sum begins without. Entries of kWholeDigits stand as w + 2^25, and their residues are below
// 2^26: products below 2^52, sums over 1024 of them below 2^62.

#include <cstddef>
#include <cstdint>

#include "rns/matrix/reduce-inl.h"

namespace cryptotl {
namespace {

// Steps ahead for which the matrix, which no second-level cache holds, is asked for: the processor's own
// prefetching stops at each 4 KiB page.
constexpr size_t kAhead = 64;

constexpr int64_t entry_offset(size_t digits) { return int64_t{1} << (digits == kWholeDigits ? 25 : 17); }

/// V has kLanes lanes in a Register, load, store, broadcast and multiply_add(sum, a, b).
template <class V, size_t kRows, size_t kVectors>
struct WordMatrix {
  using Register = typename V::Register;
  static constexpr size_t kPositions = kVectors * V::kLanes;

  static size_t weight_words(size_t depth, size_t) { return kRows * depth; }
  static size_t residue_words(size_t depth) { return kPositions * depth; }

  static void pack_weights(uint64_t* out, const int32_t* entries, size_t rows, size_t depth, size_t stride,
                           size_t digits) {
    for (size_t k = 0; k < depth; ++k) {
      for (size_t r = 0; r < kRows; ++r) {
        const int64_t entry = r < rows ? entries[r * stride + k] : 0;
        *out++ = static_cast<uint64_t>(entry + entry_offset(digits));
      }
    }
  }

  static void pack_residues(uint64_t* out, int64_t* starts, const uint32_t* const* rows, size_t depth,
                            size_t first, size_t count, size_t digits) {
    uint64_t sums[kPositions] = {};
    for (size_t k = 0; k < depth; ++k, out += kPositions) {
      const uint32_t* const row = rows[k] + first;
      if (count == kPositions) {
        for (size_t i = 0; i < kPositions; ++i) sums[i] += out[i] = row[i];
        continue;
      }
      for (size_t i = 0; i < kPositions; ++i) sums[i] += out[i] = i < count ? row[i] : 0;
    }
    for (size_t i = 0; i < kPositions; ++i) starts[i] -= entry_offset(digits) * static_cast<int64_t>(sums[i]);
  }

  static void multiply(int64_t* sums, size_t stride, const uint64_t* weights, const uint64_t* residues,
                       size_t depth, size_t) {
    Register sum[kRows][kVectors];
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) sum[r][v] = V::load(sums + r * stride + v * V::kLanes);
    }
    for (size_t k = 0; k < depth; ++k, weights += kRows, residues += kPositions) {
      __builtin_prefetch(weights + kAhead * kRows);
      Register residue[kVectors];
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) residue[v] = V::load(residues + v * V::kLanes);
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) {
        const Register weight = V::broadcast(weights[r]);
#pragma GCC unroll 4
        for (size_t v = 0; v < kVectors; ++v) sum[r][v] = V::multiply_add(sum[r][v], weight, residue[v]);
      }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) V::store(sums + r * stride + v * V::kLanes, sum[r][v]);
    }
  }

  static constexpr MatrixKernel kernel(std::string_view name) {
    return {name,          kRows,        kPositions,    kWholeDigits, weight_words,
            residue_words, pack_weights, pack_residues, multiply,     reduce_sums};
  }
};

}  // namespace
}  // namespace cryptotl
