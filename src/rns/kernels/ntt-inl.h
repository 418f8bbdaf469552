#pragma once

// The negacyclic NTT (Longa and Naehrig, eprint 2016/504, Algorithms 1 and 2) with Harvey's lazy butterflies (arXiv
// 1205.2926): values stay below 4q on the way forward and below 2q on the way back.
//
// Departures: kFusedStages stages go over memory as one pass, and those whose partners lie within a register form a
// pass of their own, with exchanges between two registers in place of strides.

#include "cryptotl/rns/ntt.h"
#include "rns/kernels/arithmetic-inl.h"

namespace cryptotl {

template <class V>
class Ntt {
 public:
  static void forward(uint32_t* values, const NttTables& tables) {
    const Roots roots = {tables.roots.data(), tables.roots_quotient.data()};
    const Primes<V> p(tables.modulus.value());
    const size_t n = tables.n;
    const size_t first = first_stages(tables.log_n);
    if (first == 1) forward_pass<1>(values, n, 1, roots, p);
    if (first == 2) forward_pass<2>(values, n, 1, roots, p);
    if (first == 3) forward_pass<3>(values, n, 1, roots, p);
    for (size_t groups = size_t{1} << first; groups < n / kLanes; groups <<= kFused) {
      forward_pass<kFused>(values, n, groups, roots, p);
    }
    forward_within_registers(values, n, roots, p);
  }

  static void inverse(uint32_t* values, const NttTables& tables) {
    const Roots roots = {tables.inverse_roots.data(), tables.inverse_roots_quotient.data()};
    const Primes<V> p(tables.modulus.value());
    const size_t n = tables.n;
    const size_t first = first_stages(tables.log_n);
    inverse_within_registers(values, n, roots, p);
    for (size_t groups = n / kLanes >> kFused; groups > 1; groups >>= kFused) {
      inverse_pass<kFused, false>(values, n, groups, roots, p, tables);
    }
    if (first == 1) inverse_pass<1, true>(values, n, 1, roots, p, tables);
    if (first == 2) inverse_pass<2, true>(values, n, 1, roots, p, tables);
    if (first == 3) inverse_pass<3, true>(values, n, 1, roots, p, tables);
  }

 private:
  using Register = typename V::Register;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kFused = V::kFusedStages;

  struct Roots {
    const uint32_t* values;
    const uint32_t* quotients;
    CRYPTOTL_INLINE Factor<V> broadcast(size_t i) const { return Factor<V>::broadcast(values[i], quotients[i]); }
    template <size_t kRepeat>
    CRYPTOTL_INLINE Factor<V> load(size_t i) const {
      return Factor<V>::template load<kRepeat>(values + i, quotients + i);
    }
  };

  // How many of the stages over memory the pass with the largest strides takes, so that all others take kFused.
  static size_t first_stages(size_t log_n) {
    size_t stages = log_n;
    for (size_t lanes = kLanes; lanes > 1; lanes /= 2) --stages;
    return (stages - 1) % kFused + 1;
  }

  // x, y < 4q to x + w y, x - w y < 4q.
  CRYPTOTL_INLINE static void forward_butterfly(Register& x, Register& y, const Factor<V>& w, const Primes<V>& p) {
    const Register u = reduce_once<V>(x, p.q2);
    const Register v = multiply_lazy<V>(y, w, p.q);
    x = V::add(u, v);
    y = V::add(V::subtract(u, v), p.q2);
  }

  // x, y < 2q to x + y, w (x - y) < 2q.
  CRYPTOTL_INLINE static void inverse_butterfly(Register& x, Register& y, const Factor<V>& w, const Primes<V>& p) {
    const Register sum = V::add(x, y);
    const Register difference = V::add(V::subtract(x, y), p.q2);
    x = reduce_once<V>(sum, p.q2);
    y = multiply_lazy<V>(difference, w, p.q);
  }

  template <int kStages>
  CRYPTOTL_INLINE static void load_roots(Factor<V>* w, const Roots& roots, size_t groups, size_t group) {
    for (size_t s = 0; s < kStages; ++s) {
      for (size_t k = 0; k < size_t{1} << s; ++k) {
        w[(size_t{1} << s) + k] = roots.broadcast((groups << s) + (group << s) + k);
      }
    }
  }

  // The `kStages` stages that begin with `groups` groups.
  template <int kStages>
  static void forward_pass(uint32_t* values, size_t n, size_t groups, const Roots& roots, const Primes<V>& p) {
    constexpr size_t kRadix = size_t{1} << kStages;
    const size_t stride = n / groups / kRadix;
    for (size_t group = 0; group < groups; ++group) {
      Factor<V> w[kRadix];
      load_roots<kStages>(w, roots, groups, group);
      uint32_t* const end = values + stride;
      for (; values != end; values += kLanes) {
        Register x[kRadix];
#pragma GCC unroll 8
        for (size_t i = 0; i < kRadix; ++i) x[i] = V::load(values + i * stride);
#pragma GCC unroll 3
        for (size_t distance = kRadix / 2; distance > 0; distance /= 2) {
#pragma GCC unroll 4
          for (size_t i = 0; i < kRadix / 2; ++i) {
            const size_t low = i / distance * 2 * distance + i % distance;
            forward_butterfly(x[low], x[low + distance], w[kRadix / 2 / distance + i / distance], p);
          }
        }
#pragma GCC unroll 8
        for (size_t i = 0; i < kRadix; ++i) V::store(values + i * stride, x[i]);
      }
      values += (kRadix - 1) * stride;
    }
  }

  // The `kStages` stages that end with `groups` groups; the last of all carries the factor N^-1 and reduces fully.
  template <int kStages, bool kLast>
  static void inverse_pass(uint32_t* values, size_t n, size_t groups, const Roots& roots, const Primes<V>& p,
                           const NttTables& tables) {
    constexpr size_t kRadix = size_t{1} << kStages;
    const size_t stride = n / groups / kRadix;
    for (size_t group = 0; group < groups; ++group) {
      Factor<V> w[kRadix];
      load_roots<kStages>(w, roots, groups, group);
      if constexpr (kLast) {
        w[0] = Factor<V>::broadcast(tables.inverse_n, tables.inverse_n_quotient);
        w[1] = Factor<V>::broadcast(tables.last_inverse_root, tables.last_inverse_root_quotient);
      }
      uint32_t* const end = values + stride;
      for (; values != end; values += kLanes) {
        Register x[kRadix];
#pragma GCC unroll 8
        for (size_t i = 0; i < kRadix; ++i) x[i] = V::load(values + i * stride);
#pragma GCC unroll 3
        for (size_t distance = 1; distance < (kLast ? kRadix / 2 : kRadix); distance *= 2) {
#pragma GCC unroll 4
          for (size_t i = 0; i < kRadix / 2; ++i) {
            const size_t low = i / distance * 2 * distance + i % distance;
            inverse_butterfly(x[low], x[low + distance], w[kRadix / 2 / distance + i / distance], p);
          }
        }
        if constexpr (kLast) {
#pragma GCC unroll 4
          for (size_t i = 0; i < kRadix / 2; ++i) last_butterfly(x[i], x[i + kRadix / 2], w[0], w[1], p);
        }
#pragma GCC unroll 8
        for (size_t i = 0; i < kRadix; ++i) V::store(values + i * stride, x[i]);
      }
      values += (kRadix - 1) * stride;
    }
  }

  // x, y < 2q to (x + y) / N and w (x - y) / N, below q.
  CRYPTOTL_INLINE static void last_butterfly(Register& x, Register& y, const Factor<V>& inverse_n,
                                             const Factor<V>& w, const Primes<V>& p) {
    const Register sum = V::add(x, y);
    const Register difference = V::add(V::subtract(x, y), p.q2);
    x = reduce_once<V>(multiply_lazy<V>(sum, inverse_n, p.q), p.q);
    y = reduce_once<V>(multiply_lazy<V>(difference, w, p.q), p.q);
  }

  // Two registers hold 2 kLanes neighbours. Exchanging halves, quarters, ... brings the partners of each stage face to
  // face, and leaves the roots of a stage in their natural order; at the end the even values are in x, the odd in y.
  template <size_t kDistance>
  CRYPTOTL_INLINE static void forward_exchanges(Register& x, Register& y, const Roots& roots, size_t n, size_t pair,
                                                const Primes<V>& p) {
    V::template exchange<kDistance>(x, y);
    forward_butterfly(x, y, roots.template load<kDistance>(n / (2 * kDistance) + pair * (kLanes / kDistance)), p);
    if constexpr (kDistance > 1) forward_exchanges<kDistance / 2>(x, y, roots, n, pair, p);
  }

  static void forward_within_registers(uint32_t* values, size_t n, const Roots& roots, const Primes<V>& p) {
    for (size_t pair = 0; pair < n / (2 * kLanes); ++pair, values += 2 * kLanes) {
      Register x = V::load(values);
      Register y = V::load(values + kLanes);
      forward_exchanges<kLanes / 2>(x, y, roots, n, pair, p);
      x = reduce_once<V>(reduce_once<V>(x, p.q2), p.q);
      y = reduce_once<V>(reduce_once<V>(y, p.q2), p.q);
      V::interleave(x, y);
      V::store(values, x);
      V::store(values + kLanes, y);
    }
  }

  template <size_t kDistance>
  CRYPTOTL_INLINE static void inverse_exchanges(Register& x, Register& y, const Roots& roots, size_t n, size_t pair,
                                                const Primes<V>& p) {
    inverse_butterfly(x, y, roots.template load<kDistance>(n / (2 * kDistance) + pair * (kLanes / kDistance)), p);
    V::template exchange<kDistance>(x, y);
    if constexpr (2 * kDistance < kLanes) inverse_exchanges<2 * kDistance>(x, y, roots, n, pair, p);
  }

  static void inverse_within_registers(uint32_t* values, size_t n, const Roots& roots, const Primes<V>& p) {
    for (size_t pair = 0; pair < n / (2 * kLanes); ++pair, values += 2 * kLanes) {
      Register x = V::load(values);
      Register y = V::load(values + kLanes);
      V::deinterleave(x, y);
      inverse_exchanges<1>(x, y, roots, n, pair, p);
      V::store(values, x);
      V::store(values + kLanes, y);
    }
  }
};

}  // namespace cryptotl
