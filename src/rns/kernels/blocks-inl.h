#pragma once

// The kernels that work on blocks of 16 words: sums of products and the automorphism.

#include "cryptotl/rns/automorphism.h"
#include "cryptotl/rns/modulus.h"
#include "rns/kernels/arithmetic-inl.h"

namespace cryptotl {

template <class V>
class Blocks {
 public:
  static void dot_pairs(uint32_t* out0, uint32_t* out1, size_t out_block, const uint32_t* pairs,
                        const uint32_t* singles, size_t single_block, size_t single_term, size_t count,
                        size_t n, const Modulus& q) {
    // Beyond four terms the rest of the work hides the loop.
    const auto dot = count == 1   ? dot_pairs_of<1>
                     : count == 2 ? dot_pairs_of<2>
                     : count == 3 ? dot_pairs_of<3>
                     : count == 4 ? dot_pairs_of<4>
                                  : dot_pairs_of<0>;
    dot(out0, out1, out_block, pairs, singles, single_block, single_term, count, n, q);
  }

  static void permute(uint32_t* out, size_t out_block, const uint32_t* in, const Automorphism& automorphism) {
    const uint32_t* const sources = automorphism.sources.data();
    const uint32_t* const lanes = automorphism.lanes.data();
    for (size_t t = 0; t < automorphism.n / kBlock; ++t, out += out_block) {
      const uint32_t source = sources[t];
      V::permute_block(out, in + (source & ~(kBlock - 1)), lanes + kBlock * (source & (kBlock - 1)));
    }
  }

 private:
  using Register = typename V::Register;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr uint32_t kBlock = 16;
  // The pairs come from memory as one stream, and the processor's own prefetching stops at each 4 KiB page:
  // asking for them one page ahead gains 10 to 25 % (measured at 2 to 16 terms).
  static constexpr size_t kPrefetchWords = 1024;

  // A sum of products in 64 bits a lane.
  struct Sum {
    Register even = V::broadcast(0);
    Register odd = V::broadcast(0);
    CRYPTOTL_INLINE void add_product(Register a, Register b, Register b_odd) {
      even = V::add_wide(even, V::multiply_even(a, b));
      odd = V::add_wide(odd, V::multiply_even(V::odd_lanes(a), b_odd));
    }
  };

  // kTerms is the number of terms, or 0 where the compiler does not know it.
  template <size_t kTerms>
  static void dot_pairs_of(uint32_t* out0, uint32_t* out1, size_t out_block, const uint32_t* pairs,
                           const uint32_t* singles, size_t single_block, size_t single_term, size_t count,
                           size_t n, const Modulus& modulus) {
    const size_t terms = kTerms != 0 ? kTerms : count;
    const Primes<V> p(modulus.value());
    const Register inverse = V::broadcast(0 - modulus.negated_inverse());
    for (size_t t = 0; t < n / kBlock; ++t) {
      for (size_t part = 0; part < kBlock; part += kLanes) {
        Sum sum0, sum1;
        const uint32_t* pair = pairs + part;
        const uint32_t* single = singles + part;
#pragma GCC unroll 4
        for (size_t j = 0; j < terms; ++j, pair += 2 * kBlock, single += single_term) {
          if (part == 0) {
            __builtin_prefetch(pair + kPrefetchWords);
            __builtin_prefetch(pair + kPrefetchWords + kBlock);
          }
          const Register b = V::load(single);
          const Register b_odd = V::odd_lanes(b);
          sum0.add_product(V::load(pair), b, b_odd);
          sum1.add_product(V::load(pair + kBlock), b, b_odd);
        }
        V::store(out0 + part, reduce<kTerms>(sum0, inverse, p));
        V::store(out1 + part, reduce<kTerms>(sum1, inverse, p));
      }
      pairs += terms * 2 * kBlock;
      singles += single_block;
      out0 += out_block;
      out1 += out_block;
    }
  }

  // The high word of a sum of k products is below k q^2 / 2^32 < k q / 4: only beyond 4 terms is it not below
  // q yet.
  template <size_t kTerms>
  CRYPTOTL_INLINE static Register reduce(const Sum& sum, Register inverse, const Primes<V>& p) {
    Register high = V::high_words(sum.even, sum.odd);
    if constexpr (kTerms == 0) high = reduce_once<V>(reduce_once<V>(high, p.q2), p.q);
    return reduce_montgomery<V>(high, sum.even, sum.odd, inverse, p.q);
  }
};

}  // namespace cryptotl
