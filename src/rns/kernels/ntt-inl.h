#pragma once

// The negacyclic NTT (Longa and Naehrig, eprint 2016/504, Algorithms 1 and 2) with Harvey's lazy butterflies
// (arXiv 1205.2926): values stay below 4q on the way forward and below 2q on the way back.
//
// Departures: kFusedStages stages go over memory as one pass; the stages whose partners lie within a register
// form a pass of their own, with exchanges between two registers in place of strides; and independent
// butterflies advance in step, operation by operation, because one after another they wait for their own
// chains (15 % of the whole).

#include "cryptotl/rns/ntt.h"
#include "rns/kernels/arithmetic-inl.h"
#include "rns/kernels/fold-inl.h"
#include "rns/kernels/lift-inl.h"

namespace cryptotl {

/// `kCount` independent butterflies: x and y face each other, w is the root.
template <class V, size_t kCount>
struct Butterflies {
  using Register = typename V::Register;
  Register x[kCount], y[kCount];
  Factor<V> w[kCount];

  // x, y < 4q to x + w y, x - w y < 4q.
  CRYPTOTL_INLINE void forward(const Primes<V>& p) {
    Register product[kCount];
    multiply_lazy(product, y, p);
    CRYPTOTL_EACH(k, kCount) x[k] = reduce_once<V>(x[k], p.q2);
    CRYPTOTL_EACH(k, kCount) y[k] = V::add(V::subtract(x[k], product[k]), p.q2);
    CRYPTOTL_EACH(k, kCount) x[k] = V::add(x[k], product[k]);
  }

  // x, y < 2q to x + y, w (x - y) < 2q.
  CRYPTOTL_INLINE void inverse(const Primes<V>& p) {
    Register difference[kCount];
    CRYPTOTL_EACH(k, kCount) difference[k] = V::add(V::subtract(x[k], y[k]), p.q2);
    CRYPTOTL_EACH(k, kCount) x[k] = reduce_once<V>(V::add(x[k], y[k]), p.q2);
    multiply_lazy(y, difference, p);
  }

  // x, y < 2q to (x + y) / N, w (x - y) / N, below q.
  CRYPTOTL_INLINE void last_inverse(const Factor<V>& inverse_n, const Primes<V>& p) {
    CRYPTOTL_EACH(k, kCount) {
      const Register difference = V::add(V::subtract(x[k], y[k]), p.q2);
      x[k] = reduce_once<V>(cryptotl::multiply_lazy<V>(V::add(x[k], y[k]), inverse_n, p.q), p.q);
      y[k] = reduce_once<V>(cryptotl::multiply_lazy<V>(difference, w[k], p.q), p.q);
    }
  }

 private:
  CRYPTOTL_INLINE void multiply_lazy(Register* product, const Register* a, const Primes<V>& p) const {
    Register even[kCount], odd[kCount], low[kCount];
    CRYPTOTL_EACH(k, kCount) even[k] = V::multiply_even(a[k], w[k].quotient);
    CRYPTOTL_EACH(k, kCount) odd[k] = V::multiply_even(V::odd_lanes(a[k]), w[k].quotient_odd);
    CRYPTOTL_EACH(k, kCount) low[k] = V::multiply_low(a[k], w[k].value);
    CRYPTOTL_EACH(k, kCount) even[k] = V::multiply_low(V::high_words(even[k], odd[k]), p.q);
    CRYPTOTL_EACH(k, kCount) product[k] = V::subtract(low[k], even[k]);
  }
};

template <class V>
class Ntt {
 public:
  static void forward(uint32_t* values, const NttTables& tables) {
    if (tables.ring == Ring::conjugate_invariant) Fold<V>::forward(values, tables);
    forward_from(values, tables, [values](size_t i) CRYPTOTL_INLINE_LAMBDA { return V::load(values + i); });
  }

  static void forward_lifted(uint32_t* out, const MixedRadix& x, const NttTables& tables) {
    const Lift<V> lift(x, tables.modulus);
    const Primes<V> p(tables.modulus.value());
    if (tables.ring == Ring::conjugate_invariant) {
      for (size_t i = 0; i < tables.n; i += kLanes) V::store(out + i, lift.lazy(i, p));
      forward(out, tables);
      return;
    }
    forward_from(out, tables, [&](size_t i) CRYPTOTL_INLINE_LAMBDA { return lift.lazy(i, p); });
  }

  static void inverse(uint32_t* values, const NttTables& tables) {
    const Roots roots = {tables.inverse_roots.data(), tables.inverse_roots_quotient.data()};
    const uint32_t q = tables.modulus.value();
    const size_t n = tables.n;
    const size_t first = first_stages(tables.log_n);
    inverse_within_registers(values, n, roots, q);
    for (size_t groups = n / kLanes >> kFused; groups > 1; groups >>= kFused) {
      inverse_pass<1 << kFused, false>(values, n, groups, roots, tables);
    }
    if (first == 1) inverse_pass<2, true>(values, n, 1, roots, tables);
    if (first == 2) inverse_pass<4, true>(values, n, 1, roots, tables);
    if (first == 3) inverse_pass<8, true>(values, n, 1, roots, tables);
    if (tables.ring == Ring::conjugate_invariant) Fold<V>::inverse(values, tables);
  }

 private:
  using Register = typename V::Register;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kFused = V::kFusedStages;
  static constexpr size_t kPairs = 4;  // of registers that advance in step

  struct Roots {
    const uint32_t* values;
    const uint32_t* quotients;
  };

  // The first pass over memory takes its values from `load`, so that what makes them costs no pass of its
  // own.
  template <class Load>
  CRYPTOTL_INLINE static void forward_from(uint32_t* values, const NttTables& tables, const Load& load) {
    const Roots roots = {tables.roots.data(), tables.roots_quotient.data()};
    const uint32_t q = tables.modulus.value();
    const size_t n = tables.n;
    const size_t first = first_stages(tables.log_n);
    if (first == 1) first_forward_pass<2>(values, n, roots, q, load);
    if (first == 2) first_forward_pass<4>(values, n, roots, q, load);
    if (first == 3) first_forward_pass<8>(values, n, roots, q, load);
    for (size_t groups = size_t{1} << first; groups < n / kLanes; groups <<= kFused) {
      forward_pass<1 << kFused>(values, n, groups, roots, q);
    }
    forward_within_registers(values, n, roots, q);
  }

  // How many of the stages over memory the pass with the largest strides takes, so that all others take
  // kFused.
  static size_t first_stages(size_t log_n) {
    size_t stages = log_n;
    for (size_t lanes = kLanes; lanes > 1; lanes /= 2) --stages;
    return (stages - 1) % kFused + 1;
  }

  // The roots of log2(kRadix) stages, the first of which has `groups` groups: w[2^s + k] belongs to group k
  // of stage s within this one.
  template <size_t kRadix>
  CRYPTOTL_INLINE static void load_roots(Factor<V>* w, const Roots& roots, size_t groups, size_t group) {
    static_assert(kRadix <= 8);
    CRYPTOTL_EACH(k, kRadix) {
      const size_t first = k < 2 ? k : k < 4 ? 2 : 4;
      const size_t i = first * (groups + group) + k - first;
      w[k] = Factor<V>::broadcast(roots.values[i], roots.quotients[i]);
    }
  }

  // Brings the butterflies of one stage of kRadix registers face to face, and back.
  template <size_t kRadix, size_t kDistance>
  CRYPTOTL_INLINE static auto gather(const Register* values, const Factor<V>* w) {
    Butterflies<V, kRadix / 2> b;
    CRYPTOTL_EACH(k, kRadix / 2) {
      const size_t low = k / kDistance * 2 * kDistance + k % kDistance;
      b.x[k] = values[low];
      b.y[k] = values[low + kDistance];
      b.w[k] = w[kRadix / 2 / kDistance + k / kDistance];
    }
    return b;
  }
  template <size_t kRadix, size_t kDistance>
  CRYPTOTL_INLINE static void scatter(Register* values, const Butterflies<V, kRadix / 2>& b) {
    CRYPTOTL_EACH(k, kRadix / 2) {
      const size_t low = k / kDistance * 2 * kDistance + k % kDistance;
      values[low] = b.x[k];
      values[low + kDistance] = b.y[k];
    }
  }

  template <size_t kRadix, size_t kDistance = kRadix / 2>
  CRYPTOTL_INLINE static void forward_stages(Register* values, const Factor<V>* w, const Primes<V>& p) {
    auto b = gather<kRadix, kDistance>(values, w);
    b.forward(p);
    scatter<kRadix, kDistance>(values, b);
    if constexpr (kDistance > 1) forward_stages<kRadix, kDistance / 2>(values, w, p);
  }

  // In the last pass of all, w[0] is N^-1, and the root of the last stage carries that factor too.
  template <size_t kRadix, bool kLast, size_t kDistance = 1>
  CRYPTOTL_INLINE static void inverse_stages(Register* values, const Factor<V>* w, const Primes<V>& p) {
    auto b = gather<kRadix, kDistance>(values, w);
    if constexpr (kLast && 2 * kDistance == kRadix) {
      b.last_inverse(w[0], p);
    } else {
      b.inverse(p);
    }
    scatter<kRadix, kDistance>(values, b);
    if constexpr (2 * kDistance < kRadix) inverse_stages<kRadix, kLast, 2 * kDistance>(values, w, p);
  }

  template <size_t kRadix, class Load>
  CRYPTOTL_INLINE static void first_forward_pass(uint32_t* values, size_t n, Roots roots, uint32_t q,
                                                 const Load& load) {
    const Primes<V> p(q);
    const size_t stride = n / kRadix;
    Factor<V> w[kRadix];
    load_roots<kRadix>(w, roots, 1, 0);
    for (size_t j = 0; j < stride; j += kLanes) {
      Register x[kRadix];
      CRYPTOTL_EACH(i, kRadix) x[i] = load(j + i * stride);
      forward_stages<kRadix>(x, w, p);
      CRYPTOTL_EACH(i, kRadix) V::store(values + j + i * stride, x[i]);
    }
  }

  // One pass over memory: the log2(kRadix) stages that begin with `groups` groups.
  template <size_t kRadix>
  static void forward_pass(uint32_t* values, size_t n, size_t groups, Roots roots, uint32_t q) {
    const Primes<V> p(q);
    const size_t stride = n / groups / kRadix;
    for (size_t group = 0; group < groups; ++group) {
      Factor<V> w[kRadix];
      load_roots<kRadix>(w, roots, groups, group);
      uint32_t* const end = values + stride;
      for (; values != end; values += kLanes) {
        Register x[kRadix];
        CRYPTOTL_EACH(i, kRadix) x[i] = V::load(values + i * stride);
        forward_stages<kRadix>(x, w, p);
        CRYPTOTL_EACH(i, kRadix) V::store(values + i * stride, x[i]);
      }
      values += (kRadix - 1) * stride;
    }
  }

  // The stages that end with `groups` groups.
  template <size_t kRadix, bool kLast>
  static void inverse_pass(uint32_t* values, size_t n, size_t groups, Roots roots, const NttTables& tables) {
    const Primes<V> p(tables.modulus.value());
    const size_t stride = n / groups / kRadix;
    for (size_t group = 0; group < groups; ++group) {
      Factor<V> w[kRadix];
      load_roots<kRadix>(w, roots, groups, group);
      if constexpr (kLast) {
        w[0] = Factor<V>::broadcast(tables.inverse_n, tables.inverse_n_quotient);
        w[1] = Factor<V>::broadcast(tables.last_inverse_root, tables.last_inverse_root_quotient);
      }
      uint32_t* const end = values + stride;
      for (; values != end; values += kLanes) {
        Register x[kRadix];
        CRYPTOTL_EACH(i, kRadix) x[i] = V::load(values + i * stride);
        inverse_stages<kRadix, kLast>(x, w, p);
        CRYPTOTL_EACH(i, kRadix) V::store(values + i * stride, x[i]);
      }
      values += (kRadix - 1) * stride;
    }
  }

  // Two registers hold 2 kLanes neighbours. Exchanging halves, quarters, ... brings the partners of each
  // stage face to face, and leaves the roots of a stage in their natural order; at the end the even values
  // are in x, the odd in y.
  template <size_t kDistance = kLanes / 2>
  CRYPTOTL_INLINE static void forward_exchanges(Butterflies<V, kPairs>& b, Roots roots, size_t n, size_t pair,
                                                const Primes<V>& p) {
    load_roots_within<kDistance>(b, roots, n, pair);
    CRYPTOTL_EACH(k, kPairs) V::template exchange<kDistance>(b.x[k], b.y[k]);
    b.forward(p);
    if constexpr (kDistance > 1) forward_exchanges<kDistance / 2>(b, roots, n, pair, p);
  }
  template <size_t kDistance = 1>
  CRYPTOTL_INLINE static void inverse_exchanges(Butterflies<V, kPairs>& b, Roots roots, size_t n, size_t pair,
                                                const Primes<V>& p) {
    load_roots_within<kDistance>(b, roots, n, pair);
    b.inverse(p);
    CRYPTOTL_EACH(k, kPairs) V::template exchange<kDistance>(b.x[k], b.y[k]);
    if constexpr (2 * kDistance < kLanes) inverse_exchanges<2 * kDistance>(b, roots, n, pair, p);
  }

  template <size_t kDistance>
  CRYPTOTL_INLINE static void load_roots_within(Butterflies<V, kPairs>& b, Roots roots, size_t n,
                                                size_t pair) {
    const size_t first = n / (2 * kDistance) + pair * (kLanes / kDistance);
    CRYPTOTL_EACH(k, kPairs) {
      const size_t i = first + k * (kLanes / kDistance);
      b.w[k] = Factor<V>::template load<kDistance>(roots.values + i, roots.quotients + i);
    }
  }

  static void forward_within_registers(uint32_t* values, size_t n, Roots roots, uint32_t q) {
    const Primes<V> p(q);
    for (size_t pair = 0; pair < n / (2 * kLanes); pair += kPairs) {
      Butterflies<V, kPairs> b;
      load_pairs(b, values + pair * 2 * kLanes);
      forward_exchanges(b, roots, n, pair, p);
      CRYPTOTL_EACH(k, kPairs) {
        b.x[k] = reduce_once<V>(reduce_once<V>(b.x[k], p.q2), p.q);
        b.y[k] = reduce_once<V>(reduce_once<V>(b.y[k], p.q2), p.q);
        V::interleave(b.x[k], b.y[k]);
      }
      store_pairs(values + pair * 2 * kLanes, b);
    }
  }

  static void inverse_within_registers(uint32_t* values, size_t n, Roots roots, uint32_t q) {
    const Primes<V> p(q);
    for (size_t pair = 0; pair < n / (2 * kLanes); pair += kPairs) {
      Butterflies<V, kPairs> b;
      load_pairs(b, values + pair * 2 * kLanes);
      CRYPTOTL_EACH(k, kPairs) V::deinterleave(b.x[k], b.y[k]);
      inverse_exchanges(b, roots, n, pair, p);
      store_pairs(values + pair * 2 * kLanes, b);
    }
  }

  CRYPTOTL_INLINE static void load_pairs(Butterflies<V, kPairs>& b, const uint32_t* values) {
    CRYPTOTL_EACH(k, kPairs) {
      b.x[k] = V::load(values + 2 * k * kLanes);
      b.y[k] = V::load(values + (2 * k + 1) * kLanes);
    }
  }
  CRYPTOTL_INLINE static void store_pairs(uint32_t* values, const Butterflies<V, kPairs>& b) {
    CRYPTOTL_EACH(k, kPairs) {
      V::store(values + 2 * k * kLanes, b.x[k]);
      V::store(values + (2 * k + 1) * kLanes, b.y[k]);
    }
  }
};

}  // namespace cryptotl
