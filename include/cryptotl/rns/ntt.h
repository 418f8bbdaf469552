#pragma once

#include <cstddef>
#include <cstdint>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/modulus.h"

namespace cryptotl {

/// The constants of the negacyclic NTT of N points modulo q: with psi the minimal primitive 2N-th root of
/// unity, position i of the transform holds the polynomial's value at psi^(2 bitreverse(i) + 1) (Longa and
/// Naehrig, eprint 2016/504, Algorithms 1 and 2; the order that SEAL uses). Immutable, shared between
/// threads.
struct NttTables {
  /// Throws invalid_argument unless 7 <= log_n <= 16 and q is 1 modulo 2N.
  NttTables(const Modulus& modulus, size_t log_n);

  Modulus modulus;
  size_t log_n;
  size_t n;
  uint32_t root;  ///< psi
  /// psi^bitreverse(i), i < N, and floor(value 2^32 / q) of each (Shoup's quotient).
  AlignedVector<uint32_t> roots, roots_quotient;
  /// psi^-bitreverse(i), and the quotients.
  AlignedVector<uint32_t> inverse_roots, inverse_roots_quotient;
  /// N^-1 and its quotient.
  uint32_t inverse_n, inverse_n_quotient;
  /// inverse_roots[1] N^-1, the root of the last inverse stage with the factor in it, and its quotient.
  uint32_t last_inverse_root, last_inverse_root_quotient;
};

}  // namespace cryptotl
