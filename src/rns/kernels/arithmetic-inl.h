#pragma once

// Residue arithmetic on a register of 32-bit lanes, for any vector class V of this folder.
//
// A vector class has `Register`, `kLanes` and static functions; `even` and `odd` are registers of 64-bit
// lanes that hold what belongs to the even and the odd lanes of a register of 32-bit ones. Vector classes lie
// in anonymous namespaces, so that every instantiation is private to the file that is compiled for its
// instruction set. These files include no header with inline code that is not forced into its caller: the
// linker could take the copy with instructions that other processors lack.

#include <cstddef>
#include <cstdint>

namespace cryptotl {

#define CRYPTOTL_INLINE [[gnu::always_inline]] inline
#define CRYPTOTL_INLINE_LAMBDA __attribute__((always_inline))

/// A loop over at most 8 registers of an array, unrolled, so that the array dissolves into registers.
#define CRYPTOTL_EACH(k, count) _Pragma("GCC unroll 8") for (size_t k = 0; k < (count); ++k)

/// q and its multiples in every lane.
template <class V>
struct Primes {
  using Register = typename V::Register;
  CRYPTOTL_INLINE explicit Primes(uint32_t value) : q(V::broadcast(value)), q2(V::broadcast(2 * value)) {}
  Register q, q2;
};

/// Multiplicands with Shoup's quotients; those of the odd lanes stand in the even places of `quotient_odd`.
template <class V>
struct Factor {
  using Register = typename V::Register;
  Register value, quotient, quotient_odd;

  CRYPTOTL_INLINE static Factor broadcast(uint32_t value, uint32_t quotient) {
    const Register q = V::broadcast(quotient);
    return {V::broadcast(value), q, q};
  }
  /// kLanes / kRepeat neighbours, each `kRepeat` times.
  template <size_t kRepeat>
  CRYPTOTL_INLINE static Factor load(const uint32_t* values, const uint32_t* quotients) {
    const Register q = V::template load_repeated<kRepeat>(quotients);
    return {V::template load_repeated<kRepeat>(values), q, kRepeat > 1 ? q : V::odd_lanes(q)};
  }
};

/// a below 2 bound to below bound: where a < bound, a - bound wraps round and is the larger.
template <class V>
CRYPTOTL_INLINE typename V::Register reduce_once(typename V::Register a, typename V::Register bound) {
  return V::min(a, V::subtract(a, bound));
}

/// a f mod q, below 2q, for any 32-bit a (Shoup).
template <class V>
CRYPTOTL_INLINE typename V::Register multiply_lazy(typename V::Register a, const Factor<V>& f,
                                                   typename V::Register q) {
  const auto quotient =
      V::high_words(V::multiply_even(a, f.quotient), V::multiply_even(V::odd_lanes(a), f.quotient_odd));
  return V::subtract(V::multiply_low(a, f.value), V::multiply_low(quotient, q));
}

/// (even, odd) 2^-32 mod q for 64-bit numbers whose high words, here already taken out, are below q
/// (Montgomery, with `inverse` = q^-1 mod 2^32): the difference of the high words lies in (-q, q).
template <class V>
CRYPTOTL_INLINE typename V::Register reduce_montgomery(typename V::Register high, typename V::Register even,
                                                       typename V::Register odd, typename V::Register inverse,
                                                       typename V::Register q) {
  const auto multiple = V::high_words(V::multiply_even(V::multiply_even(even, inverse), q),
                                      V::multiply_even(V::multiply_even(odd, inverse), q));
  const auto difference = V::subtract(high, multiple);
  return V::min(difference, V::add(difference, q));
}

}  // namespace cryptotl
