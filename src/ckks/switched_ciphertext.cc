#include "cryptotl/ckks/switched_ciphertext.h"

#include <cmath>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

using Wide = unsigned __int128;

/// (Q / q_i)^-1 modulo q_i, for Q of `limbs` primes.
uint32_t inverse_of_the_others(const Params& params, size_t limbs, size_t i) {
  uint32_t inverse = 1;
  for (size_t j = 0; j < limbs; ++j) {
    if (j != i) inverse = params.modulus(i).multiply(inverse, params.inverse_of(j, i));
  }
  return inverse;
}

/// round(c 2^bits / Q) modulo 2^kept of every coefficient c, by c / Q = sum_i t_i / q_i modulo 1 with
/// t_i = c (Q / q_i)^-1 modulo q_i. Fractions stand in units of 2^-128 and wrap around modulo 1; a t_i below
/// 2^30 times the reciprocal is short by less than 2^30 units.
std::vector<uint64_t> switched(const Params& params, RnsPolynomial& part, size_t bits, size_t kept) {
  const size_t n = params.n();
  const size_t limbs = part.num_limbs();
  std::vector<Wide> reciprocals;
  for (size_t i = 0; i < limbs; ++i) {
    const Modulus& q = params.modulus(i);
    uint32_t* limb = part.limb(i);
    kernels().multiply_scalar(limb, limb, inverse_of_the_others(params, limbs, i), n, q);
    reciprocals.push_back(~Wide{0} / q.value());
  }
  const size_t below = 128 - bits;
  const uint64_t mask = (uint64_t{1} << kept) - 1;
  std::vector<uint64_t> out(n);
  for (size_t j = 0; j < n; ++j) {
    Wide fraction = Wide{1} << (below - 1);  // rounds
    for (size_t i = 0; i < limbs; ++i) fraction += reciprocals[i] * part.limb(i)[j];
    out[j] = static_cast<uint64_t>(fraction >> below) & mask;
  }
  return out;
}

}  // namespace

Status check_switch(const Params& params, size_t modulus_bits, size_t dropped_bits) {
  if (modulus_bits <= kMaxSwitchedBits && dropped_bits < modulus_bits &&
      switch_primes(params, modulus_bits) > 0)
    return {};
  return Error(ErrorCode::invalid_argument, "a switch to " + std::to_string(modulus_bits) + " bits less " +
                                                std::to_string(dropped_bits) +
                                                ": out of bounds under these parameters");
}

size_t switch_primes(const Params& params, size_t modulus_bits) {
  const size_t log_terms = params.log_n() + (params.ring() == Ring::cyclotomic ? 0 : 1);
  const size_t bits = params.prime_bits() - 1;  // of a prime, at least
  const size_t count = (modulus_bits + log_terms + 1 + bits - 1) / bits;
  return count <= params.num_primes() + 1 ? count : 0;
}

SwitchedCiphertext modulus_switch(const Ciphertext& ciphertext, size_t modulus_bits, size_t dropped_bits,
                                  size_t spare_bits) {
  if (ciphertext.parts.size() != 2) {
    throw Error(ErrorCode::invalid_argument,
                "a switch of " + std::to_string(ciphertext.parts.size()) + " parts; relinearise to 2 first");
  }
  RnsPolynomial parts[2] = {ciphertext.parts[0], ciphertext.parts[1]};
  for (RnsPolynomial& part : parts) {
    for (size_t i = 0; i < part.num_limbs(); ++i)
      kernels().ntt_inverse(part.limb(i), ciphertext.params->tables(i));
  }
  return modulus_switch(ciphertext.params, ciphertext.key_id, ciphertext.scale, parts[0], parts[1],
                        modulus_bits, dropped_bits, spare_bits);
}

SwitchedCiphertext modulus_switch(const ParamsPtr& params, const KeyId& key_id, double scale,
                                  RnsPolynomial& c0, RnsPolynomial& c1, size_t modulus_bits,
                                  size_t dropped_bits, size_t spare_bits) {
  check_switch(*params, modulus_bits, dropped_bits).value();
  if (spare_bits > kMaxSwitchBits - modulus_bits) {
    throw Error(ErrorCode::invalid_argument, "a switch that leaves out " + std::to_string(spare_bits) +
                                                 " spare bits; at most " +
                                                 std::to_string(kMaxSwitchBits - modulus_bits));
  }
  const size_t bits = modulus_bits + spare_bits;
  double modulus = 1;
  for (size_t i = 0; i < c0.num_limbs(); ++i) modulus *= params->modulus(i).value();
  return {params,
          key_id,
          std::ldexp(scale / modulus, static_cast<int>(bits)),
          modulus_bits,
          dropped_bits,
          switched(*params, c0, bits - dropped_bits, modulus_bits - dropped_bits),
          switched(*params, c1, bits, modulus_bits)};
}

}  // namespace cryptotl
