#pragma once

#include <cstddef>
#include <cstdint>

#include "cryptotl/base/aligned.h"
#include "cryptotl/rns/modulus.h"

namespace cryptotl {

/// Which ring a polynomial of N coefficients belongs to.
enum class Ring {
  /// Z[X] / (X^N + 1), whose slots are N/2 complex numbers.
  cyclotomic,
  /// What X -> X^-1 leaves as it is in Z[X] / (X^2N + 1): a_0 + sum_{0 < i < N} a_i (X^i + X^-i). Its slots
  /// are N real numbers (Kim and Song, eprint 2018/952).
  conjugate_invariant
};

/// The constants of the NTT of N points modulo q (Longa and Naehrig, eprint 2016/504, Algorithms 1 and 2). In
/// the cyclotomic ring position i of the transform holds the polynomial's value at psi^(2 bitreverse(i) + 1),
/// with psi the minimal primitive 2N-th root of unity: the order that SEAL uses. In the conjugate-invariant
/// ring it holds the value at zeta^(4 bitreverse(i) + 1), with zeta the minimal primitive 4N-th root: modulo
/// X^N - zeta^N such a polynomial has the coefficients a_i - zeta^N a_{N-i}, and from there on the transform
/// is the cyclotomic one with other roots. Immutable, shared between threads.
struct NttTables {
  /// Throws invalid_argument unless 7 <= log_n <= 16 and q is 1 modulo 2N, or 4N.
  NttTables(const Modulus& modulus, size_t log_n, Ring ring = Ring::cyclotomic);

  Modulus modulus;
  Ring ring;
  size_t log_n;
  size_t n;
  uint32_t root;  ///< psi, or zeta
  /// Of the butterflies: psi^bitreverse(i), i < N, or zeta^(2 bitreverse(i) - N/2m) with m the highest power
  /// of two up to i; and floor(value 2^32 / q) of each (Shoup's quotient).
  AlignedVector<uint32_t> roots, roots_quotient;
  /// Their inverses, and the quotients.
  AlignedVector<uint32_t> inverse_roots, inverse_roots_quotient;
  /// zeta^N and its quotient; 0 in the cyclotomic ring.
  uint32_t fold_root = 0, fold_root_quotient = 0;
  /// N^-1, or (2N)^-1, and its quotient.
  uint32_t inverse_n, inverse_n_quotient;
  /// inverse_roots[1] times inverse_n, the root of the last inverse stage with that factor in it, and its
  /// quotient.
  uint32_t last_inverse_root, last_inverse_root_quotient;
};

}  // namespace cryptotl
