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

void mod_down(const Params& params, RnsPolynomial& x, size_t limbs, RnsPolynomial& out,
              RnsPolynomial& scratch, ThreadPool& threads) {
  const KernelTable& kernel = kernels();
  uint32_t* last = x.limb(limbs);
  kernel.ntt_inverse(last, params.special_tables());
  threads.for_each(limbs, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    uint32_t* lifted = scratch.limb(i);
    kernel.lift_centered(lifted, last, params.n(), params.special(), q);
    kernel.ntt_forward(lifted, params.tables(i));
    kernel.subtract_multiply_scalar(out.limb(i), x.limb(i), lifted, params.inverse_of(params.num_primes(), i),
                                    params.n(), q);
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

// x = x_P modulo P and y_l = (x - [x]_P) / P modulo q_l: round(x / (P q_l)) is (x - [x]_P - P [y]_l) / (P
// q_l) up to one unit, so both lifts share one forward transform a limb.
void mod_down_rescale(const Params& params, RnsPolynomial& x, size_t limbs, RnsPolynomial& out,
                      RnsPolynomial& scratch, ThreadPool& threads) {
  const KernelTable& kernel = kernels();
  const size_t n = params.n();
  const size_t last = limbs - 1;
  const Modulus& q_last = params.modulus(last);
  const size_t special = params.num_primes();
  uint32_t* x_special = x.limb(limbs);
  uint32_t* y_last = x.limb(last);
  kernel.ntt_inverse(x_special, params.special_tables());
  kernel.ntt_inverse(y_last, params.tables(last));
  kernel.lift_centered(scratch.limb(last), x_special, n, params.special(), q_last);
  kernel.subtract_multiply_scalar(y_last, y_last, scratch.limb(last), params.inverse_of(special, last), n,
                                  q_last);
  threads.for_each(last, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    uint32_t* lifted = scratch.limb(i);
    uint32_t* sum = out.limb(i);
    kernel.lift_centered(lifted, y_last, n, q_last, q);
    kernel.multiply_scalar(lifted, lifted, params.special().value() % q.value(), n, q);
    kernel.lift_centered(sum, x_special, n, params.special(), q);
    kernel.add(lifted, lifted, sum, n, q);
    kernel.ntt_forward(lifted, params.tables(i));
    const uint32_t inverse = q.multiply(params.inverse_of(special, i), params.inverse_of(last, i));
    kernel.subtract_multiply_scalar(sum, x.limb(i), lifted, inverse, n, q);
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
