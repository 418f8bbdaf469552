#pragma once

#include <cstddef>
#include <cstdint>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/ntt.h"

namespace cryptotl {

/// How X -> X^g (g odd, below 2N, or 4N in the conjugate-invariant ring, where X^g and X^-g are one) moves
/// the N values of a bit-reversed NTT. Groups of 16 values move as wholes, and their lanes in one of 16
/// patterns, so a group takes one load and one permutation in a register:
///   out[16 t + l] = in[(sources[t] & ~15) + lanes[sources[t] & 15][l]].
/// 16 patterns instead of one for each group keep the tables of many rotations in the L1 cache. Immutable.
struct Automorphism {
  /// Throws invalid_argument unless 4 <= log_n <= 16 and g is odd and below 2N, or 4N.
  Automorphism(size_t log_n, uint32_t galois_element, Ring ring = Ring::cyclotomic);

  uint32_t galois_element;
  size_t n;
  AlignedVector<uint32_t>
      sources;                    ///< [N/16], first word of the source group, plus the number of its pattern
  AlignedVector<uint32_t> lanes;  ///< [16][16], the source lanes of each pattern
};

/// The Galois elements of a ring are odd and below this: 2N, or 4N.
uint32_t galois_order(size_t log_n, Ring ring = Ring::cyclotomic);
/// The Galois element of a rotation of the N/2 slots (conjugate-invariant ring: N) to the left by `steps`
/// (negative: to the right): 3^steps mod 2N, as in SEAL, or mod 4N.
uint32_t galois_element_of_rotation(int steps, size_t log_n, Ring ring = Ring::cyclotomic);
/// The Galois element of complex conjugation: 2N - 1.
uint32_t galois_element_of_conjugation(size_t log_n);
/// g^-1 mod 2N, or 4N.
uint32_t inverse_galois_element(uint32_t galois_element, size_t log_n, Ring ring = Ring::cyclotomic);

}  // namespace cryptotl
