// The kernels in plain C++: what the other tables are held against, and what runs where there is no other.

#include "rns/kernels/tables.h"

namespace cryptotl {
namespace {

constexpr size_t kBlock = 16;

uint32_t high_word(uint64_t a) { return static_cast<uint32_t>(a >> 32); }

// Any 32-bit a; the result is a w mod q, below 2q (Shoup).
uint32_t multiply_lazy(uint32_t a, uint32_t w, uint32_t quotient, uint32_t q) {
  return a * w - high_word(static_cast<uint64_t>(a) * quotient) * q;
}

uint32_t reduce_once(uint32_t a, uint32_t bound) { return a >= bound ? a - bound : a; }

// x 2^-32 mod q for x below 2^32 q.
uint32_t reduce_montgomery(uint64_t x, const Modulus& q) {
  const uint32_t m = static_cast<uint32_t>(x) * q.negated_inverse();
  return reduce_once(high_word(x + static_cast<uint64_t>(m) * q.value()), q.value());
}

// fold-inl.h says what these two do.
void fold(uint32_t* values, const NttTables& tables) {
  const uint32_t q = tables.modulus.value();
  const auto folded = [&](uint32_t a, uint32_t b) {
    return reduce_once(a, 2 * q) + 2 * q - multiply_lazy(b, tables.fold_root, tables.fold_root_quotient, q);
  };
  for (size_t i = 1; i <= tables.n / 2; ++i) {
    const uint32_t low = values[i];
    const uint32_t high = values[tables.n - i];
    values[i] = folded(low, high);
    values[tables.n - i] = folded(high, low);
  }
}

void unfold(uint32_t* values, const NttTables& tables) {
  const uint32_t q = tables.modulus.value();
  const auto unfolded = [&](uint32_t a, uint32_t b) {
    const uint32_t sum = a + multiply_lazy(b, tables.fold_root, tables.fold_root_quotient, q);
    return reduce_once(reduce_once(sum, 2 * q), q);
  };
  for (size_t i = 1; i <= tables.n / 2; ++i) {
    const uint32_t low = values[i];
    const uint32_t high = values[tables.n - i];
    values[i] = unfolded(low, high);
    values[tables.n - i] = unfolded(high, low);
  }
  values[0] = tables.modulus.add(values[0], values[0]);
}

// Longa and Naehrig, Algorithm 1, with Harvey's lazy butterflies: values stay below 4q between the stages.
void ntt_forward(uint32_t* values, const NttTables& tables) {
  const uint32_t q = tables.modulus.value();
  if (tables.ring == Ring::conjugate_invariant) fold(values, tables);
  for (size_t groups = 1, distance = tables.n / 2; groups < tables.n; groups *= 2, distance /= 2) {
    for (size_t i = 0; i < groups; ++i) {
      const uint32_t w = tables.roots[groups + i];
      const uint32_t quotient = tables.roots_quotient[groups + i];
      uint32_t* const x = values + 2 * distance * i;
      uint32_t* const y = x + distance;
      for (size_t j = 0; j < distance; ++j) {
        const uint32_t u = reduce_once(x[j], 2 * q);
        const uint32_t v = multiply_lazy(y[j], w, quotient, q);
        x[j] = u + v;
        y[j] = u - v + 2 * q;
      }
    }
  }
  for (size_t j = 0; j < tables.n; ++j) values[j] = reduce_once(reduce_once(values[j], 2 * q), q);
}

// Algorithm 2; values stay below 2q between the stages, and the last one carries the factor N^-1.
void ntt_inverse(uint32_t* values, const NttTables& tables) {
  const uint32_t q = tables.modulus.value();
  for (size_t groups = tables.n / 2, distance = 1; groups > 1; groups /= 2, distance *= 2) {
    for (size_t i = 0; i < groups; ++i) {
      const uint32_t w = tables.inverse_roots[groups + i];
      const uint32_t quotient = tables.inverse_roots_quotient[groups + i];
      uint32_t* const x = values + 2 * distance * i;
      uint32_t* const y = x + distance;
      for (size_t j = 0; j < distance; ++j) {
        const uint32_t u = x[j];
        const uint32_t v = y[j];
        x[j] = reduce_once(u + v, 2 * q);
        y[j] = multiply_lazy(u - v + 2 * q, w, quotient, q);
      }
    }
  }
  uint32_t* const y = values + tables.n / 2;
  for (size_t j = 0; j < tables.n / 2; ++j) {
    const uint32_t u = values[j];
    const uint32_t v = y[j];
    values[j] = reduce_once(multiply_lazy(u + v, tables.inverse_n, tables.inverse_n_quotient, q), q);
    y[j] = reduce_once(
        multiply_lazy(u - v + 2 * q, tables.last_inverse_root, tables.last_inverse_root_quotient, q), q);
  }
  if (tables.ring == Ring::conjugate_invariant) unfold(values, tables);
}

void add(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = q.add(a[i], b[i]);
}

void subtract(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = q.subtract(a[i], b[i]);
}

void negate(uint32_t* out, const uint32_t* a, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = q.negate(a[i]);
}

void multiply(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = q.multiply(a[i], b[i]);
}

void multiply_montgomery(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = reduce_montgomery(static_cast<uint64_t>(a[i]) * b[i], q);
}

void multiply_add(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = q.add(out[i], q.multiply(a[i], b[i]));
}

void multiply_scalar(uint32_t* out, const uint32_t* a, uint32_t scalar, size_t n, const Modulus& q) {
  const uint32_t quotient = q.shoup_quotient(scalar);
  for (size_t i = 0; i < n; ++i) {
    out[i] = reduce_once(multiply_lazy(a[i], scalar, quotient, q.value()), q.value());
  }
}

void subtract_multiply_scalar(uint32_t* out, const uint32_t* a, const uint32_t* b, uint32_t scalar, size_t n,
                              const Modulus& q) {
  const uint32_t quotient = q.shoup_quotient(scalar);
  for (size_t i = 0; i < n; ++i) {
    const uint32_t difference = a[i] - b[i] + 2 * q.value();
    out[i] = reduce_once(multiply_lazy(difference, scalar, quotient, q.value()), q.value());
  }
}

// A representative is at most half a prime in absolute value, hence below q: one addition makes it a residue.
uint32_t centred(const MixedRadix& x, size_t k, size_t i, uint32_t q) {
  const uint32_t digit = x.digits[k][i];
  return digit > x.primes[k] / 2 ? digit - x.primes[k] + q : digit;
}

uint32_t lifted(const MixedRadix& x, size_t i, const Modulus& q) {
  uint32_t sum = centred(x, x.count - 1, i, q.value());
  for (size_t k = x.count - 1; k-- > 0;) {
    sum = q.add(q.multiply(sum, x.primes[k] % q.value()), centred(x, k, i, q.value()));
  }
  return sum;
}

void lift(uint32_t* out, const MixedRadix& x, size_t n, const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = lifted(x, i, q);
}

void subtract_lifted(uint32_t* out, const uint32_t* a, const MixedRadix& x, uint32_t scalar, size_t n,
                     const Modulus& q) {
  for (size_t i = 0; i < n; ++i) out[i] = q.multiply(q.subtract(a[i], lifted(x, i, q)), scalar);
}

void ntt_forward_lifted(uint32_t* out, const MixedRadix& x, const NttTables& tables) {
  lift(out, x, tables.n, tables.modulus);
  ntt_forward(out, tables);
}

// A sum of 16 products is below 16 q^2 < 2^32 4q: with its high word reduced it is in the range of
// reduce_montgomery.
uint32_t reduce_sum(uint64_t sum, const Modulus& q) {
  const uint32_t high = reduce_once(reduce_once(high_word(sum), 2 * q.value()), q.value());
  return reduce_montgomery(static_cast<uint64_t>(high) << 32 | static_cast<uint32_t>(sum), q);
}

void dot_pairs(uint32_t* out0, uint32_t* out1, const uint32_t* pairs, const uint32_t* singles, size_t count,
               size_t n, const Modulus& q) {
  for (size_t t = 0; t < n / kBlock; ++t) {
    uint64_t sum0[kBlock] = {};
    uint64_t sum1[kBlock] = {};
    for (size_t j = 0; j < count; ++j, pairs += 2 * kBlock, singles += kBlock) {
      for (size_t l = 0; l < kBlock; ++l) {
        sum0[l] += static_cast<uint64_t>(pairs[l]) * singles[l];
        sum1[l] += static_cast<uint64_t>(pairs[kBlock + l]) * singles[l];
      }
    }
    for (size_t l = 0; l < kBlock; ++l) {
      out0[t * kBlock + l] = reduce_sum(sum0[l], q);
      out1[t * kBlock + l] = reduce_sum(sum1[l], q);
    }
  }
}

void dot(uint32_t* out, const uint32_t* a, const uint32_t* b, size_t count, size_t n, const Modulus& q) {
  for (size_t t = 0; t < n / kBlock; ++t) {
    uint64_t sum[kBlock] = {};
    for (size_t j = 0; j < count; ++j, a += kBlock, b += kBlock) {
      for (size_t l = 0; l < kBlock; ++l) sum[l] += static_cast<uint64_t>(a[l]) * b[l];
    }
    for (size_t l = 0; l < kBlock; ++l) out[t * kBlock + l] = reduce_sum(sum[l], q);
  }
}

// One side of a block: the sums at the source block, joined, moved and added to.
void switch_block(uint32_t* out, const SwitchedBlocks& in, size_t t, size_t side, const uint32_t* joined,
                  const Modulus& q) {
  const size_t group = in.sources[t] / kBlock * kBlock;
  const uint32_t* const lanes = in.lanes + in.sources[t] % kBlock * kBlock;
  uint64_t sum[kBlock] = {};
  for (size_t j = 0; j < in.count; ++j) {
    const uint32_t* const key = in.key + ((t * in.count + j) * 2 + side) * kBlock;
    const uint32_t* const digit = in.digits + j * in.digit_stride + group;
    for (size_t l = 0; l < kBlock; ++l) sum[l] += static_cast<uint64_t>(key[l]) * digit[l];
  }
  uint32_t value[kBlock];
  for (size_t l = 0; l < kBlock; ++l) value[l] = reduce_sum(sum[l], q);
  for (size_t l = 0; joined != nullptr && l < kBlock; ++l) value[l] = q.add(value[l], joined[group + l]);
  const uint32_t* const added = in.added[side];
  for (size_t l = 0; l < kBlock; ++l) {
    const uint32_t moved = value[lanes[l]];
    out[l] = added == nullptr ? moved : q.add(moved, added[t * kBlock + l]);
  }
}

void switch_key(uint32_t* out0, uint32_t* out1, size_t out_block, const SwitchedBlocks& in, size_t n,
                const Modulus& q) {
  for (size_t t = 0; t < n / kBlock; ++t) {
    switch_block(out0 + t * out_block, in, t, 0, in.joined, q);
    switch_block(out1 + t * out_block, in, t, 1, nullptr, q);
  }
}

void permute_blocks(uint32_t* out, size_t out_block, const uint32_t* in, const uint32_t* sources,
                    const uint32_t* lanes, size_t n) {
  for (size_t t = 0; t < n / kBlock; ++t) {
    const uint32_t* const group = in + sources[t] / kBlock * kBlock;
    const uint32_t* const pattern = lanes + sources[t] % kBlock * kBlock;
    for (size_t l = 0; l < kBlock; ++l) out[t * out_block + l] = group[pattern[l]];
  }
}

void permute(uint32_t* out, size_t out_block, const uint32_t* in, const Automorphism& automorphism) {
  permute_blocks(out, out_block, in, automorphism.sources.data(), automorphism.lanes.data(), automorphism.n);
}

}  // namespace

constinit const KernelTable scalar_kernels = {"scalar",
                                              ntt_forward,
                                              ntt_inverse,
                                              add,
                                              subtract,
                                              negate,
                                              multiply,
                                              multiply_montgomery,
                                              multiply_add,
                                              multiply_scalar,
                                              subtract_multiply_scalar,
                                              lift,
                                              subtract_lifted,
                                              ntt_forward_lifted,
                                              dot_pairs,
                                              dot,
                                              switch_key,
                                              permute_blocks,
                                              permute};

}  // namespace cryptotl
