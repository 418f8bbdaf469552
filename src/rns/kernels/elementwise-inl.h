#pragma once

// The elementwise kernels: one pass over memory each.

#include "cryptotl/rns/modulus.h"
#include "rns/kernels/arithmetic-inl.h"
#include "rns/kernels/lift-inl.h"

namespace cryptotl {

template <class V>
struct Elementwise {
  using Register = typename V::Register;
  static constexpr size_t kLanes = V::kLanes;

  static void add(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    for (size_t i = 0; i < n; i += kLanes) {
      V::store(out + i, reduce_once<V>(V::add(V::load(a + i), V::load(b + i)), p.q));
    }
  }

  static void subtract(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n,
                       const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    for (size_t i = 0; i < n; i += kLanes) V::store(out + i, difference(V::load(a + i), V::load(b + i), p.q));
  }

  static void negate(uint32_t* out, const uint32_t* a, size_t n, const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    for (size_t i = 0; i < n; i += kLanes)
      V::store(out + i, difference(V::broadcast(0), V::load(a + i), p.q));
  }

  static void multiply(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n,
                       const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const Barrett barrett(modulus);
    for (size_t i = 0; i < n; i += kLanes) {
      V::store(out + i, reduce_once<V>(barrett.multiply(V::load(a + i), V::load(b + i), p), p.q));
    }
  }

  static void multiply_add(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n,
                           const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const Barrett barrett(modulus);
    for (size_t i = 0; i < n; i += kLanes) {
      const Register product = barrett.multiply(V::load(a + i), V::load(b + i), p);  // below 2q
      const Register sum = V::add(product, V::load(out + i));
      V::store(out + i, reduce_once<V>(reduce_once<V>(sum, p.q2), p.q));
    }
  }

  static void multiply_montgomery(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n,
                                  const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const Register inverse = V::broadcast(0 - modulus.negated_inverse());
    for (size_t i = 0; i < n; i += kLanes) {
      const Register x = V::load(a + i);
      const Register y = V::load(b + i);
      const Register even = V::multiply_even(x, y);
      const Register odd = V::multiply_even(V::odd_lanes(x), V::odd_lanes(y));
      V::store(out + i, reduce_montgomery<V>(V::high_words(even, odd), even, odd, inverse, p.q));
    }
  }

  static void multiply_scalar(uint32_t* out, const uint32_t* a, uint32_t scalar, size_t n,
                              const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const auto factor = Factor<V>::broadcast(scalar, modulus.shoup_quotient(scalar));
    for (size_t i = 0; i < n; i += kLanes) {
      V::store(out + i, reduce_once<V>(multiply_lazy<V>(V::load(a + i), factor, p.q), p.q));
    }
  }

  static void subtract_multiply_scalar(uint32_t* out, const uint32_t* a, const uint32_t* b, uint32_t scalar,
                                       size_t n, const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const auto factor = Factor<V>::broadcast(scalar, modulus.shoup_quotient(scalar));
    for (size_t i = 0; i < n; i += kLanes) {
      const Register lazy = V::add(V::subtract(V::load(a + i), V::load(b + i)), p.q2);  // below 3q
      V::store(out + i, reduce_once<V>(multiply_lazy<V>(lazy, factor, p.q), p.q));
    }
  }

  static void lift(uint32_t* out, const MixedRadix& x, size_t n, const Modulus& modulus) {
    const Lift<V> lift(x, modulus);
    const Primes<V> p(modulus.value());
    for (size_t i = 0; i < n; i += kLanes)
      V::store(out + i, reduce_once<V>(reduce_once<V>(lift.lazy(i, p), p.q2), p.q));
  }

  static void subtract_lifted(uint32_t* out, const uint32_t* a, const MixedRadix& x, uint32_t scalar,
                              size_t n, const Modulus& modulus) {
    const Lift<V> lift(x, modulus);
    const Primes<V> p(modulus.value());
    const auto factor = Factor<V>::broadcast(scalar, modulus.shoup_quotient(scalar));
    for (size_t i = 0; i < n; i += kLanes) {
      const Register difference = V::subtract(V::load(a + i), lift.lazy(i, p));
      const Register lazy = V::add(difference, V::add(p.q2, p.q));  // below 4q
      V::store(out + i, reduce_once<V>(multiply_lazy<V>(lazy, factor, p.q), p.q));
    }
  }

 private:
  // a - b mod q in [0, q): a negative difference wraps round and is the larger.
  CRYPTOTL_INLINE static Register difference(Register a, Register b, Register q) {
    const Register d = V::subtract(a, b);
    return V::min(d, V::add(d, q));
  }

  struct Barrett {
    CRYPTOTL_INLINE explicit Barrett(const Modulus& modulus)
        : factor(V::broadcast(modulus.barrett_factor())), shift(modulus.barrett_shift()) {}

    // a b mod q, below 2q: the estimated quotient is at most two short.
    CRYPTOTL_INLINE Register multiply(Register a, Register b, const Primes<V>& p) const {
      const Register even = V::multiply_even(a, b);
      const Register odd = V::multiply_even(V::odd_lanes(a), V::odd_lanes(b));
      const Register quotient = V::high_words(V::multiply_even(V::shift_right(even, shift), factor),
                                              V::multiply_even(V::shift_right(odd, shift), factor));
      const Register rest = V::subtract(V::low_words(even, odd), V::multiply_low(quotient, p.q));  // below 3q
      return reduce_once<V>(rest, p.q2);
    }

    Register factor;
    uint32_t shift;
  };
};

}  // namespace cryptotl
