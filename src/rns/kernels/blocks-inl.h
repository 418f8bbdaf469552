#pragma once

// The kernels that work on blocks of 16 words: sums of products and the automorphism.

#include "cryptotl/rns/automorphism.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/rns/modulus.h"
#include "rns/kernels/arithmetic-inl.h"

namespace cryptotl {

template <class V>
class Blocks {
 public:
  static void dot_pairs(uint32_t* out0, uint32_t* out1, const uint32_t* pairs, const uint32_t* singles,
                        size_t count, size_t n, const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const Register inverse = V::broadcast(0 - modulus.negated_inverse());
    for (size_t t = 0; t < n; t += kBlock, pairs += 2 * kBlock * count, singles += kBlock * count) {
      for (size_t part = 0; part < kBlock; part += kLanes) {
        Sum sum0, sum1;
        const uint32_t* pair = pairs + part;
        const uint32_t* single = singles + part;
#pragma GCC unroll 4
        for (size_t j = 0; j < count; ++j, pair += 2 * kBlock, single += kBlock) {
          if (part == 0) __builtin_prefetch(single + kPrefetchWords);
          const Register b = V::load(single);
          const Register b_odd = V::odd_lanes(b);
          sum0.add_product(V::load(pair), b, b_odd);
          sum1.add_product(V::load(pair + kBlock), b, b_odd);
        }
        V::store(out0 + t + part, reduce<0>(sum0, inverse, p));
        V::store(out1 + t + part, reduce<0>(sum1, inverse, p));
      }
    }
  }

  static void dot(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t count, size_t n,
                  const Modulus& modulus) {
    const Primes<V> p(modulus.value());
    const Register inverse = V::broadcast(0 - modulus.negated_inverse());
    for (size_t t = 0; t < n; t += kBlock, a += kBlock * count, b += kBlock * count) {
      for (size_t part = 0; part < kBlock; part += kLanes) {
        Sum sum;
#pragma GCC unroll 4
        for (size_t j = 0; j < count; ++j) {
          if (part == 0) __builtin_prefetch(b + kBlock * j + kPrefetchWords);
          const Register factor = V::load(b + kBlock * j + part);
          sum.add_product(V::load(a + kBlock * j + part), factor, V::odd_lanes(factor));
        }
        V::store(out + t + part, reduce<0>(sum, inverse, p));
      }
    }
  }

  static void switch_key(uint32_t* out0, uint32_t* out1, size_t out_block, const SwitchedBlocks& in, size_t n,
                         const Modulus& q) {
    // Beyond four digits the rest of the work hides the loop.
    const auto switch_key = in.count == 1   ? switch_key_of<1>
                            : in.count == 2 ? switch_key_of<2>
                            : in.count == 3 ? switch_key_of<3>
                            : in.count == 4 ? switch_key_of<4>
                                            : switch_key_of<0>;
    switch_key(out0, out1, out_block, in, n, q);
  }

  static void permute(uint32_t* out, size_t out_block, const uint32_t* in, const Automorphism& automorphism) {
    permute_blocks(out, out_block, in, automorphism.sources.data(), automorphism.lanes.data(),
                   automorphism.n);
  }

  static void permute_blocks(uint32_t* out, size_t out_block, const uint32_t* in, const uint32_t* sources,
                             const uint32_t* lanes, size_t n) {
    for (size_t t = 0; t < n / kBlock; ++t, out += out_block) {
      Block block = load_block(in + group_of(sources[t]));
      V::permute(block.part, lanes + pattern_of(sources[t]));
      store_block(out, block);
    }
  }

 private:
  using Register = typename V::Register;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr uint32_t kBlock = 16;
  static constexpr size_t kParts = kBlock / kLanes;
  // Diagonals come from memory as one stream, and the processor's own prefetching stops at each 4 KiB page:
  // asking for them one page ahead gains 10 to 25 % (measured at 2 to 16 terms).
  static constexpr size_t kPrefetchWords = 1024;

  struct Block {
    Register part[kParts];
  };
  CRYPTOTL_INLINE static Block load_block(const uint32_t* in) {
    Block block;
    CRYPTOTL_EACH(i, kParts) block.part[i] = V::load(in + i * kLanes);
    return block;
  }
  CRYPTOTL_INLINE static void store_block(uint32_t* out, const Block& block) {
    CRYPTOTL_EACH(i, kParts) V::store(out + i * kLanes, block.part[i]);
  }
  CRYPTOTL_INLINE static void add_block(Block& block, const uint32_t* other, const Primes<V>& p) {
    CRYPTOTL_EACH(i, kParts) {
      block.part[i] = reduce_once<V>(V::add(block.part[i], V::load(other + i * kLanes)), p.q);
    }
  }
  CRYPTOTL_INLINE static uint32_t group_of(uint32_t source) { return source & ~(kBlock - 1); }
  CRYPTOTL_INLINE static uint32_t pattern_of(uint32_t source) { return kBlock * (source & (kBlock - 1)); }

  // A sum of products in 64 bits a lane.
  struct Sum {
    Register even = V::broadcast(0);
    Register odd = V::broadcast(0);
    CRYPTOTL_INLINE void add_product(Register a, Register b, Register b_odd) {
      even = V::add_wide(even, V::multiply_even(a, b));
      odd = V::add_wide(odd, V::multiply_even(V::odd_lanes(a), b_odd));
    }
  };

  // kTerms is the number of digits, or 0 where the compiler does not know it.
  template <size_t kTerms>
  static void switch_key_of(uint32_t* out0, uint32_t* out1, size_t out_block, const SwitchedBlocks& in,
                            size_t n, const Modulus& modulus) {
    const size_t terms = kTerms != 0 ? kTerms : in.count;
    const Primes<V> p(modulus.value());
    const Register inverse = V::broadcast(0 - modulus.negated_inverse());
    const uint32_t* pairs = in.key;
    for (size_t t = 0; t < n / kBlock; ++t, out0 += out_block, out1 += out_block) {
      const uint32_t source = in.sources[t];
      Block sums[2];
      CRYPTOTL_EACH(i, kParts) {
        Sum sum0, sum1;
        const uint32_t* pair = pairs + i * kLanes;
        const uint32_t* digit = in.digits + group_of(source) + i * kLanes;
#pragma GCC unroll 4
        for (size_t j = 0; j < terms; ++j, pair += 2 * kBlock, digit += in.digit_stride) {
          if (i == 0) {
            __builtin_prefetch(pair + in.prefetch_words, 0, 2);
            __builtin_prefetch(pair + in.prefetch_words + kBlock, 0, 2);
          }
          const Register b = V::load(digit);
          const Register b_odd = V::odd_lanes(b);
          sum0.add_product(V::load(pair), b, b_odd);
          sum1.add_product(V::load(pair + kBlock), b, b_odd);
        }
        sums[0].part[i] = reduce<kTerms>(sum0, inverse, p);
        sums[1].part[i] = reduce<kTerms>(sum1, inverse, p);
      }
      pairs += terms * 2 * kBlock;
      if (in.joined != nullptr) add_block(sums[0], in.joined + group_of(source), p);
      V::permute(sums[0].part, in.lanes + pattern_of(source));
      V::permute(sums[1].part, in.lanes + pattern_of(source));
      if (in.added[0] != nullptr) {
        add_block(sums[0], in.added[0] + kBlock * t, p);
        add_block(sums[1], in.added[1] + kBlock * t, p);
      }
      store_block(out0, sums[0]);
      store_block(out1, sums[1]);
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
