#pragma once

// Matrix products of bytes. A residue is four bytes b, an entry two or three signed digits d to the base 256;
// the product of byte b and digit d belongs to 256^(b+d), and products of one such place add up in 32 bits:
// three pairs at most, below 2^15 each, over kDepth columns. Layout of residues: [depth/4][byte][16
// positions][4 columns], which both the dot products of VNNI and the tiles of AMX read.

#include <cstddef>
#include <cstdint>

#include "rns/matrix/reduce-inl.h"

namespace cryptotl {
namespace {

constexpr size_t kBytePositions = 16;
constexpr size_t kResidueBytes = 4;

constexpr size_t round_up(size_t a, size_t to) { return (a + to - 1) / to * to; }

/// Digit d of an entry, from the lowest on: each in [-128, 127].
inline int8_t entry_digit(int32_t entry, size_t d) {
  for (; d > 0; --d) entry = (entry + 128) >> 8;
  return static_cast<int8_t>(entry & 0xff);
}

/// `depth` rounded up to a multiple of `step`.
inline void pack_residue_bytes(uint64_t* out, const uint32_t* const* rows, size_t depth, size_t step,
                               size_t first, size_t count) {
  auto* const bytes = reinterpret_cast<uint8_t*>(out);
  for (size_t k = 0; k < round_up(depth, step); ++k) {
    uint8_t* const group = bytes + k / 4 * (kResidueBytes * kBytePositions * 4) + k % 4;
    for (size_t i = 0; i < kBytePositions; ++i) {
      const uint32_t residue = k < depth && i < count ? rows[k][first + i] : 0;
      for (size_t b = 0; b < kResidueBytes; ++b)
        group[(b * kBytePositions + i) * 4] = static_cast<uint8_t>(residue >> (8 * b));
    }
  }
}

}  // namespace
}  // namespace cryptotl
