#pragma once

#include <cstddef>
#include <cstdint>

#include "cryptotl/base/aligned.h"

namespace cryptotl {

/// How X -> X^g (g odd, below 2N) moves the N values of a bit-reversed NTT: out[i] = in[source(i)]. Groups of 16 values
/// move as wholes: values 16 t + l, l < 16, of the output are values 16 group[t] + lanes[t][l] of the input, so
/// a group takes one load and one permutation in a register. Immutable.
struct Automorphism {
  Automorphism(size_t log_n, uint32_t galois_element);

  uint32_t galois_element;
  size_t n;
  AlignedVector<uint32_t> group;   ///< [N/16], the source group
  AlignedVector<uint32_t> lanes;   ///< [N/16][16], the source lane within that group
};

/// The Galois element of a rotation of the N/2 slots to the left by `steps` (negative: to the right): 3^steps mod 2N,
/// as in SEAL.
uint32_t galois_element_of_rotation(int steps, size_t log_n);
/// The Galois element of complex conjugation: 2N - 1.
uint32_t galois_element_of_conjugation(size_t log_n);
/// g^-1 mod 2N.
uint32_t inverse_galois_element(uint32_t galois_element, size_t log_n);

}  // namespace cryptotl
