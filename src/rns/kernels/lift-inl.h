#pragma once

// Integers in mixed radix, taken modulo a prime by Horner's rule, a register at a time.

#include "cryptotl/rns/mixed_radix.h"
#include "cryptotl/rns/modulus.h"
#include "rns/kernels/arithmetic-inl.h"

namespace cryptotl {

template <class V>
class Lift {
 public:
  using Register = typename V::Register;

  CRYPTOTL_INLINE Lift(const MixedRadix& x, const Modulus& to) : x_(x) {
    for (size_t k = 0; k < x.count; ++k) {
      const uint32_t prime = x.primes[k];
      const uint32_t residue = prime >= to.value() ? prime - to.value() : prime;  // equally many bits
      half_[k] = prime / 2;
      shift_[k] = to.value() - prime;
      factor_[k] = residue;
      quotient_[k] = to.shoup_quotient(residue);
    }
  }

  /// The numbers at words i and on, below 3q.
  CRYPTOTL_INLINE Register lazy(size_t i, const Primes<V>& p) const {
    size_t k = x_.count - 1;
    Register sum = centred(k, i);
    while (k-- > 0) {
      const auto factor = Factor<V>::broadcast(factor_[k], quotient_[k]);
      sum = V::add(multiply_lazy<V>(sum, factor, p.q), centred(k, i));
    }
    return sum;
  }

 private:
  // A representative is at most half a prime in absolute value, hence below q: one addition makes it a
  // residue.
  CRYPTOTL_INLINE Register centred(size_t k, size_t i) const {
    return V::add_where_above(V::load(x_.digits[k] + i), V::broadcast(half_[k]), V::broadcast(shift_[k]));
  }

  const MixedRadix& x_;
  uint32_t half_[MixedRadix::kMaxDigits], shift_[MixedRadix::kMaxDigits];
  uint32_t factor_[MixedRadix::kMaxDigits], quotient_[MixedRadix::kMaxDigits];
};

}  // namespace cryptotl
