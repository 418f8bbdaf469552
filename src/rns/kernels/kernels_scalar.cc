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

// Longa and Naehrig, Algorithm 1, with Harvey's lazy butterflies: values stay below 4q between the stages.
void ntt_forward(uint32_t* values, const NttTables& tables) {
  const uint32_t q = tables.modulus.value();
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

// The representative is below 2^29 in absolute value, hence below `to`: one addition makes it a residue.
void lift_centered(uint32_t* out, const uint32_t* a, size_t n, const Modulus& from, const Modulus& to) {
  for (size_t i = 0; i < n; ++i) out[i] = a[i] > from.value() / 2 ? a[i] - from.value() + to.value() : a[i];
}

// A sum of 16 products is below 16 q^2 < 2^32 4q: with its high word reduced it is in the range of
// reduce_montgomery.
uint32_t reduce_sum(uint64_t sum, const Modulus& q) {
  const uint32_t high = reduce_once(reduce_once(high_word(sum), 2 * q.value()), q.value());
  return reduce_montgomery(static_cast<uint64_t>(high) << 32 | static_cast<uint32_t>(sum), q);
}

void dot_pairs(uint32_t* out0, uint32_t* out1, size_t out_block, const uint32_t* pairs,
               const uint32_t* singles, size_t single_block, size_t single_term, size_t count, size_t n,
               const Modulus& q) {
  for (size_t t = 0; t < n / kBlock; ++t) {
    uint64_t sum0[kBlock] = {};
    uint64_t sum1[kBlock] = {};
    for (size_t j = 0; j < count; ++j) {
      const uint32_t* const pair = pairs + (t * count + j) * 2 * kBlock;
      const uint32_t* const single = singles + t * single_block + j * single_term;
      for (size_t l = 0; l < kBlock; ++l) {
        sum0[l] += static_cast<uint64_t>(pair[l]) * single[l];
        sum1[l] += static_cast<uint64_t>(pair[kBlock + l]) * single[l];
      }
    }
    for (size_t l = 0; l < kBlock; ++l) {
      out0[t * out_block + l] = reduce_sum(sum0[l], q);
      out1[t * out_block + l] = reduce_sum(sum1[l], q);
    }
  }
}

void permute(uint32_t* out, size_t out_block, const uint32_t* in, const Automorphism& automorphism) {
  for (size_t t = 0; t < automorphism.n / kBlock; ++t) {
    const uint32_t source = automorphism.sources[t];
    const uint32_t* const group = in + source / kBlock * kBlock;
    const uint32_t* const lanes = &automorphism.lanes[source % kBlock * kBlock];
    for (size_t l = 0; l < kBlock; ++l) out[t * out_block + l] = group[lanes[l]];
  }
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
                                              lift_centered,
                                              dot_pairs,
                                              permute};

}  // namespace cryptotl
