#include "cryptotl/ckks/key_switch.h"

#include <cstring>

namespace cryptotl {
namespace {

/// The primes by which a polynomial is divided, in the order in which they go: where their limbs stand, and
/// what they are.
struct Divisor {
  size_t count = 0;
  size_t limbs[MixedRadix::kMaxDigits] = {};
  size_t primes[MixedRadix::kMaxDigits] = {};

  void push(size_t limb, size_t prime) {
    CRYPTOTL_ASSERT(count < MixedRadix::kMaxDigits);
    limbs[count] = limb;
    primes[count++] = prime;
  }
};

Divisor divisor(const Params& params, size_t limbs, bool special, size_t drop) {
  Divisor out;
  for (size_t j = 0; special && j < params.num_special(); ++j) out.push(limbs + j, params.num_primes() + j);
  for (size_t j = 0; j < drop; ++j) out.push(limbs - 1 - j, limbs - 1 - j);
  return out;
}

/// What the limbs of a divisor hold once mixed_radix() is done.
MixedRadix digits_of(const Params& params, const RnsPolynomial& x, const Divisor& divisor, size_t count) {
  MixedRadix out;
  for (size_t j = 0; j < count; ++j) {
    out.push(x.limb(divisor.limbs[j]), params.modulus(divisor.primes[j]).value());
  }
  return out;
}

/// The product of the inverses of the divisor's first `count` primes modulo prime i.
uint32_t inverse_product(const Params& params, const Divisor& divisor, size_t count, size_t i) {
  uint32_t product = 1;
  for (size_t j = 0; j < count; ++j) {
    product = params.modulus(i).multiply(product, params.inverse_of(divisor.primes[j], i));
  }
  return product;
}

/// Turns the divisor's limbs, in coefficient form, into the mixed radix digits of x modulo the divisor.
void mixed_radix(const Params& params, RnsPolynomial& x, const Divisor& divisor) {
  for (size_t j = 1; j < divisor.count; ++j) {
    const size_t prime = divisor.primes[j];
    uint32_t* digit = x.limb(divisor.limbs[j]);
    kernels().subtract_lifted(digit, digit, digits_of(params, x, divisor, j),
                              inverse_product(params, divisor, j, prime), params.n(), params.modulus(prime));
  }
}

void divide(const Params& params, RnsPolynomial& x, const Divisor& divisor, size_t limbs, RnsPolynomial& out,
            RnsPolynomial& scratch, ThreadPool& threads) {
  const KernelTable& kernel = kernels();
  threads.for_each(divisor.count, [&](size_t j) {
    kernel.ntt_inverse(x.limb(divisor.limbs[j]), params.tables(divisor.primes[j]));
  });
  mixed_radix(params, x, divisor);
  const MixedRadix remainder = digits_of(params, x, divisor, divisor.count);
  threads.for_each(limbs, [&](size_t i) {
    kernel.ntt_forward_lifted(scratch.limb(i), remainder, params.tables(i));
    kernel.subtract_multiply_scalar(out.limb(i), x.limb(i), scratch.limb(i),
                                    inverse_product(params, divisor, divisor.count, i), params.n(),
                                    params.modulus(i));
  });
}

}  // namespace

void decompose(const Params& params, RnsPolynomial& coefficients, const RnsPolynomial* ntt, Digits& digits,
               ThreadPool& threads) {
  const size_t limbs = digits.limbs();
  const size_t size = params.num_special();
  const auto divisor_of = [&](size_t digit) {
    Divisor out;
    for (size_t i = digit * size; i < std::min(limbs, (digit + 1) * size); ++i) out.push(i, i);
    return out;
  };
  threads.for_each(digits.count(),
                   [&](size_t digit) { mixed_radix(params, coefficients, divisor_of(digit)); });
  threads.for_each(digits.extended_limbs() * digits.count(), [&](size_t i) {
    const size_t limb = i / digits.count();
    const size_t digit = i % digits.count();
    if (ntt != nullptr && limb < limbs && limb / size == digit) {
      std::memcpy(digits.at(limb, digit), ntt->limb(limb), params.n() * sizeof(uint32_t));
      return;
    }
    const Divisor primes = divisor_of(digit);
    kernels().ntt_forward_lifted(digits.at(limb, digit),
                                 digits_of(params, coefficients, primes, primes.count),
                                 params.tables(params.extended_index(limb, limbs)));
  });
}

SwitchedBlocks switched_blocks(const Digits& digits, const PreparedKey& key, size_t limb, size_t first,
                               size_t prefetch_words) {
  const Automorphism& automorphism = key.automorphism();
  return {.key = key.stream(limb) + first * digits.count() * 32,
          .digits = digits.at(limb, 0),
          .digit_stride = digits.stride(),
          .count = digits.count(),
          .sources = automorphism.sources.data() + first,
          .lanes = automorphism.lanes.data(),
          .prefetch_words = prefetch_words};
}

void switch_limb(const Params& params, const Digits& digits, const PreparedKey& key, size_t limb,
                 const uint32_t* joined, uint32_t* out0, uint32_t* out1) {
  constexpr size_t kPage = 1024;  // the processor's own prefetching stops at each 4 KiB
  SwitchedBlocks blocks = switched_blocks(digits, key, limb, 0, kPage);
  blocks.joined = joined;
  kernels().switch_key(out0, out1, 16, blocks, params.n(),
                       params.modulus(params.extended_index(limb, digits.limbs())));
}

void mod_down(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& out,
              RnsPolynomial& scratch, ThreadPool& threads) {
  divide(params, x, divisor(params, limbs, true, drop), limbs - drop, out, scratch, threads);
}

void rescale(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& out,
             RnsPolynomial& scratch, ThreadPool& threads) {
  if (drop == 0) {
    for (size_t i = 0; i < limbs; ++i) std::memcpy(out.limb(i), x.limb(i), params.n() * sizeof(uint32_t));
    return;
  }
  divide(params, x, divisor(params, limbs, false, drop), limbs - drop, out, scratch, threads);
}

namespace {

/// x less its remainder, over the divisor, in the first `limbs` limbs; coefficients in and out.
void divide_coefficients(const Params& params, RnsPolynomial& x, const Divisor& divisor, size_t limbs,
                         ThreadPool& threads) {
  mixed_radix(params, x, divisor);
  const MixedRadix remainder = digits_of(params, x, divisor, divisor.count);
  threads.for_each(limbs, [&](size_t i) {
    kernels().subtract_lifted(x.limb(i), x.limb(i), remainder,
                              inverse_product(params, divisor, divisor.count, i), params.n(),
                              params.modulus(i));
  });
}

}  // namespace

void mod_down_to_coefficients(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop,
                              ThreadPool& threads) {
  threads.for_each(limbs + params.num_special(), [&](size_t i) {
    kernels().ntt_inverse(x.limb(i), params.tables(params.extended_index(i, limbs)));
  });
  divide_coefficients(params, x, divisor(params, limbs, true, drop), limbs - drop, threads);
}

void rescale_coefficients(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop) {
  if (drop == 0) return;
  ThreadPool one_thread;
  divide_coefficients(params, x, divisor(params, limbs, false, drop), limbs - drop, one_thread);
}

}  // namespace cryptotl
