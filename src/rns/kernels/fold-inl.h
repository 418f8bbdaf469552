#pragma once

// Between the coefficients of the conjugate-invariant ring and those modulo X^N - I, I = zeta^N: b_0 = a_0,
// b_i = a_i - I a_{N-i}, and back a_i = (b_i + I b_{N-i}) / 2, where the NTT's last stage has halved. Runs of
// lanes go from 1 up and from N - 1 down; the last pair of them shares its middle, N/2, its own partner.

#include "cryptotl/rns/ntt.h"
#include "rns/kernels/arithmetic-inl.h"

namespace cryptotl {

template <class V>
class Fold {
 public:
  /// Below 4q to below 4q.
  static void forward(uint32_t* values, const NttTables& tables) {
    const Primes<V> p(tables.modulus.value());
    each_pair(values, tables, p, [&](Register a, Register product) CRYPTOTL_INLINE_LAMBDA {
      return V::add(V::subtract(reduce_once<V>(a, p.q2), product), p.q2);
    });
  }

  /// Below q to below q.
  static void inverse(uint32_t* values, const NttTables& tables) {
    const Primes<V> p(tables.modulus.value());
    each_pair(values, tables, p, [&](Register a, Register product) CRYPTOTL_INLINE_LAMBDA {
      return reduce_once<V>(reduce_once<V>(V::add(a, product), p.q2), p.q);
    });
    const uint32_t twice = 2 * values[0];
    const uint32_t q = tables.modulus.value();
    values[0] = twice >= q ? twice - q : twice;
  }

 private:
  using Register = typename V::Register;

  template <class Combine>
  CRYPTOTL_INLINE static void each_pair(uint32_t* values, const NttTables& tables, const Primes<V>& p,
                                        const Combine& combine) {
    const auto root = Factor<V>::broadcast(tables.fold_root, tables.fold_root_quotient);
    for (size_t i = 1; i < tables.n / 2; i += V::kLanes) {
      uint32_t* const low = values + i;
      uint32_t* const high = values + tables.n + 1 - i - V::kLanes;
      const Register a = V::load_unaligned(low);
      const Register b = V::reverse(V::load(high));
      const Register with_b = multiply_lazy<V>(b, root, p.q);
      const Register with_a = multiply_lazy<V>(a, root, p.q);
      V::store_unaligned(low, combine(a, with_b));
      V::store(high, V::reverse(combine(b, with_a)));
    }
  }
};

}  // namespace cryptotl
