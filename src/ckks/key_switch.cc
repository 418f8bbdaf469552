#include "cryptotl/ckks/key_switch.h"

#include <cstring>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {

void decompose(const Params& params, const RnsPolynomial& coefficients, const RnsPolynomial* ntt,
               Digits& digits, ThreadPool& threads) {
  const size_t limbs = digits.limbs();
  const size_t n = params.n();
  const KernelTable& kernel = kernels();
  threads.for_each(limbs + 1, [&](size_t limb) {
    const NttTables& tables = params.tables(params.extended_index(limb, limbs));
    for (size_t digit = 0; digit < limbs; ++digit) {
      uint32_t* out = digits.at(limb, digit);
      if (digit == limb && ntt != nullptr) {
        std::memcpy(out, ntt->limb(digit), n * sizeof(uint32_t));
        continue;
      }
      if (digit == limb) {
        std::memcpy(out, coefficients.limb(digit), n * sizeof(uint32_t));
      } else {
        kernel.lift_centered(out, coefficients.limb(digit), n, params.modulus(digit), tables.modulus);
      }
      kernel.ntt_forward(out, tables);
    }
  });
}

void switch_limb(const Params& params, const Digits& digits, const PreparedKey& key, size_t limb,
                 uint32_t* out0, uint32_t* out1) {
  const size_t limbs = digits.limbs();
  kernels().dot_pairs(out0, out1, 16, key.stream(limb), digits.at(limb, 0), 16, digits.stride(), limbs,
                      params.n(), params.modulus(params.extended_index(limb, limbs)));
}

namespace {

/// The prime that goes j-th: P, then the last, the last but one, and so on.
size_t dropped_prime(const Params& params, size_t limbs, size_t j) {
  return j == 0 ? params.num_primes() : limbs - j;
}

/// x modulo the product of the primes that go, in mixed radix: x = d_0 + p_0 (d_1 + p_1 (d_2 + ...)), each
/// d_j centred modulo p_j, in coefficient form in the limb that was that prime's.
void mixed_radix(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& scratch) {
  const KernelTable& kernel = kernels();
  const size_t n = params.n();
  const auto digit = [&](size_t j) { return x.limb(j == 0 ? limbs : limbs - j); };
  for (size_t j = 0; j <= drop; ++j) {
    const size_t prime = dropped_prime(params, limbs, j);
    const Modulus& q = params.modulus(prime);
    kernel.ntt_inverse(digit(j), params.tables(prime));
    for (size_t k = 0; k < j; ++k) {
      const size_t before = dropped_prime(params, limbs, k);
      kernel.lift_centered(scratch.limb(0), digit(k), n, params.modulus(before), q);
      kernel.subtract_multiply_scalar(digit(j), digit(j), scratch.limb(0), params.inverse_of(before, prime),
                                      n, q);
    }
  }
}

}  // namespace

void mod_down(const Params& params, RnsPolynomial& x, size_t limbs, size_t drop, RnsPolynomial& out,
              RnsPolynomial& scratch, ThreadPool& threads) {
  const KernelTable& kernel = kernels();
  const size_t n = params.n();
  mixed_radix(params, x, limbs, drop, scratch);
  threads.for_each(limbs - drop, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    uint32_t* remainder = scratch.limb(i);
    uint32_t* lifted = out.limb(i);
    uint32_t inverse = 1;
    for (size_t j = drop + 1; j-- > 0;) {
      const size_t prime = dropped_prime(params, limbs, j);
      const uint32_t* digit = x.limb(j == 0 ? limbs : prime);
      inverse = q.multiply(inverse, params.inverse_of(prime, i));
      if (j == drop) {
        kernel.lift_centered(remainder, digit, n, params.modulus(prime), q);
        continue;
      }
      kernel.multiply_scalar(remainder, remainder, params.modulus(prime).value() % q.value(), n, q);
      kernel.lift_centered(lifted, digit, n, params.modulus(prime), q);
      kernel.add(remainder, remainder, lifted, n, q);
    }
    kernel.ntt_forward(remainder, params.tables(i));
    kernel.subtract_multiply_scalar(lifted, x.limb(i), remainder, inverse, n, q);
  });
}

void mod_down_to_coefficients(const Params& params, RnsPolynomial& x, size_t limbs, RnsPolynomial& scratch,
                              ThreadPool& threads) {
  const KernelTable& kernel = kernels();
  uint32_t* last = x.limb(limbs);
  kernel.ntt_inverse(last, params.special_tables());
  threads.for_each(limbs, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    uint32_t* lifted = scratch.limb(i);
    kernel.ntt_inverse(x.limb(i), params.tables(i));
    kernel.lift_centered(lifted, last, params.n(), params.special(), q);
    kernel.subtract_multiply_scalar(x.limb(i), x.limb(i), lifted, params.inverse_of(params.num_primes(), i),
                                    params.n(), q);
  });
}

void rescale(const Params& params, RnsPolynomial& x, RnsPolynomial& scratch) {
  const KernelTable& kernel = kernels();
  const size_t last = x.num_limbs() - 1;
  kernel.ntt_inverse(x.limb(last), params.tables(last));
  for (size_t i = 0; i < last; ++i) {
    const Modulus& q = params.modulus(i);
    uint32_t* lifted = scratch.limb(i);
    kernel.lift_centered(lifted, x.limb(last), params.n(), params.modulus(last), q);
    kernel.ntt_forward(lifted, params.tables(i));
    kernel.subtract_multiply_scalar(x.limb(i), x.limb(i), lifted, params.inverse_of(last, i), params.n(), q);
  }
  x.drop_to(last);
}

}  // namespace cryptotl
