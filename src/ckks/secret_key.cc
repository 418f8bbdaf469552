#include "cryptotl/ckks/secret_key.h"

#include <algorithm>
#include <vector>

#include "ckks/small_polynomial.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/automorphism.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// s' that a switching key comes from, modulo prime i: s^2 or s(X^g), NTT form.
void switched_secret(const SecretKey& secret, uint32_t galois_element, size_t i, uint32_t* out) {
  const Params& params = *secret.params();
  const uint32_t* s = secret.ntt(i).data();
  if (galois_element == kRelinearisation) {
    kernels().multiply(out, s, s, params.n(), params.modulus(i));
  } else {
    kernels().permute(out, 16, s, Automorphism(params.log_n(), galois_element, params.ring()));
  }
}

/// b = e - a s (+ what the caller adds): turns `b`, holding e, by a s modulo prime i.
void subtract_product(const SecretKey& secret, size_t i, const uint32_t* a, uint32_t* b, uint32_t* scratch) {
  const Params& params = *secret.params();
  kernels().multiply(scratch, a, secret.ntt(i).data(), params.n(), params.modulus(i));
  kernels().subtract(b, b, scratch, params.n(), params.modulus(i));
}

SwitchingKey make_switching_key(const SecretKey& secret, const KeyRequest& request) {
  const Params& params = *secret.params();
  const size_t n = params.n();
  if (request.limbs == 0 || request.limbs > params.num_primes()) {
    throw Error(ErrorCode::invalid_argument, "a switching key over " + std::to_string(request.limbs) +
                                                 " limbs; 1 to " + std::to_string(params.num_primes()) +
                                                 " are there");
  }
  SwitchingKey key{request, random_seed(), {}};
  AlignedVector<uint32_t> a(n);
  SecretBuffer<uint32_t> scratch(n);
  SecretBuffer<int8_t> error(n);
  for (size_t digit = 0; digit < params.digits(request.limbs); ++digit) {
    RnsPolynomial b(n, request.limbs + params.num_special());
    sample_error(error.span());
    for (size_t limb = 0; limb < b.num_limbs(); ++limb) {
      const size_t index = params.extended_index(limb, request.limbs);
      const Modulus& q = params.modulus(index);
      small_to_ntt(params.tables(index), error.span(), b.limb(limb));
      expand_key_seed(params, secret.id(), key, digit, limb, a);
      subtract_product(secret, index, a.data(), b.limb(limb), scratch.data());
      if (limb < request.limbs && limb / params.num_special() == digit) {
        switched_secret(secret, request.galois_element, index, scratch.data());
        kernels().multiply_scalar(scratch.data(), scratch.data(), params.special_product(index), n, q);
        kernels().add(b.limb(limb), b.limb(limb), scratch.data(), n, q);
      }
    }
    key.b.push_back(std::move(b));
  }
  return key;
}

}  // namespace

SecretKey SecretKey::generate(ParamsPtr params) {
  SecretBuffer<int8_t> coefficients(params->n());
  sample_ternary(coefficients.span());
  KeyId id;
  random_bytes(id);
  return from_coefficients(std::move(params), id, coefficients.span());
}

SecretKey SecretKey::from_coefficients(ParamsPtr params, const KeyId& id,
                                       std::span<const int8_t> coefficients) {
  const size_t n = params->n();
  if (coefficients.size() != n) {
    throw Error(ErrorCode::invalid_argument, "a secret key of " + std::to_string(coefficients.size()) +
                                                 " coefficients; N is " + std::to_string(n));
  }
  SecretKey key;
  key.id_ = id;
  key.coefficients_ = SecretBuffer<int8_t>(n);
  std::ranges::copy(coefficients, key.coefficients_.data());
  const size_t moduli = params->num_primes() + params->num_special();
  key.ntt_ = SecretBuffer<uint32_t>(moduli * n);
  for (size_t i = 0; i < moduli; ++i) {
    small_to_ntt(params->tables(i), key.coefficients_.span(), key.ntt_.data() + i * n);
  }
  key.params_ = std::move(params);
  return key;
}

PublicKey make_public_key(const SecretKey& secret) {
  const Params& params = *secret.params();
  const size_t n = params.n();
  const size_t limbs = params.num_primes() + params.num_special();
  PublicKey key{secret.params(), secret.id(), random_seed(), RnsPolynomial(n, limbs)};
  SecretBuffer<int8_t> error(n);
  SecretBuffer<uint32_t> scratch(n);
  sample_error(error.span());
  const RnsPolynomial a = expand_public_key_seed(key);
  for (size_t i = 0; i < limbs; ++i) {
    small_to_ntt(params.tables(i), error.span(), key.b.limb(i));
    subtract_product(secret, i, a.limb(i), key.b.limb(i), scratch.data());
  }
  return key;
}

EvaluationKeys make_evaluation_keys(const SecretKey& secret, std::span<const KeyRequest> requests) {
  EvaluationKeys set{secret.params(), secret.id(), {}};
  for (const KeyRequest& request : requests) set.keys.push_back(make_switching_key(secret, request));
  return set;
}

Ciphertext encrypt(const SecretKey& secret, std::span<const int64_t> coefficients, double scale,
                   size_t limbs) {
  return encrypt(secret, coefficients, scale, limbs, OneTimeSeed());
}

Ciphertext encrypt(const SecretKey& secret, std::span<const int64_t> coefficients, double scale, size_t limbs,
                   OneTimeSeed seed) {
  const Params& params = *secret.params();
  require_message(params, coefficients.size(), limbs);
  const size_t n = params.n();
  Ciphertext out(secret.params(), secret.id(), 0, 0);
  out.scale = scale;
  out.seed = seed.spend();
  SecretBuffer<int8_t> error(n);
  sample_error(error.span());
  const int shift = message_shift(scale);
  SecretBuffer<int64_t> noisy(n);
  for (size_t j = 0; j < n; ++j) noisy[j] = shift == 0 ? coefficients[j] + error[j] : error[j];
  out.parts.push_back(to_ntt(params, noisy.span(), limbs));
  if (shift > 0) {
    const RnsPolynomial message = shifted_to_ntt(params, coefficients, shift, limbs);
    for (size_t i = 0; i < limbs; ++i) {
      uint32_t* const limb = out.parts[0].limb(i);
      kernels().add(limb, limb, message.limb(i), n, params.modulus(i));
    }
  }
  out.parts.push_back(expand_ciphertext_seed(params, secret.id(), *out.seed, limbs));
  SecretBuffer<uint32_t> scratch(n);
  for (size_t i = 0; i < limbs; ++i) {
    subtract_product(secret, i, out.parts[1].limb(i), out.parts[0].limb(i), scratch.data());
  }
  return out;
}

namespace {

void require_same_key(const SecretKey& secret, const Params& params, const KeyId& key_id) {
  require_same_params(params, *secret.params());
  if (key_id != secret.id()) {
    throw Error(ErrorCode::parameter_mismatch,
                "the ciphertext was made for key " + hex(key_id) + ", not " + hex(secret.id()));
  }
}

/// The digits of c_1 s over the integers in mixed radix, x = d_0 + q_0 (d_1 + q_1 (d_2 + ...)), each centred
/// modulo its prime: one limb of N a digit. Alone they would give away s.
SecretBuffer<uint32_t> product_digits(const SecretKey& secret, std::span<const uint64_t> c1, size_t primes) {
  const Params& params = *secret.params();
  const size_t n = params.n();
  SecretBuffer<uint32_t> digits(primes * n);
  MixedRadix known;
  for (size_t i = 0; i < primes; ++i) {
    const Modulus& q = params.modulus(i);
    uint32_t* digit = digits.data() + i * n;
    for (size_t j = 0; j < n; ++j) digit[j] = static_cast<uint32_t>(c1[j] % q.value());
    kernels().ntt_forward(digit, params.tables(i));
    kernels().multiply(digit, digit, secret.ntt(i).data(), n, q);
    kernels().ntt_inverse(digit, params.tables(i));
    uint32_t inverse = 1;
    for (size_t k = 0; k < i; ++k) inverse = q.multiply(inverse, params.inverse_of(k, i));
    if (i > 0) kernels().subtract_lifted(digit, digit, known, inverse, n, q);
    known.push(digit, q.value());
  }
  return digits;
}

/// The representative in (-q/2, q/2] modulo 2^64, without a branch.
uint64_t centred(uint32_t residue, uint32_t q) {
  const auto above = static_cast<uint64_t>(residue > q / 2);
  return residue - above * q;
}

}  // namespace

std::vector<double> decrypt(const SecretKey& secret, const Ciphertext& ciphertext) {
  const Params& params = *secret.params();
  require_same_key(secret, *ciphertext.params, ciphertext.key_id);
  const size_t n = params.n();
  RnsPolynomial message(n, ciphertext.num_limbs());
  for (size_t i = 0; i < message.num_limbs(); ++i) {
    const Modulus& q = params.modulus(i);
    // Horner's rule in s, from the highest part down.
    uint32_t* limb = message.limb(i);
    std::ranges::copy(ciphertext.parts.back().limb_span(i), limb);
    for (size_t part = ciphertext.parts.size() - 1; part-- > 0;) {
      kernels().multiply(limb, limb, secret.ntt(i).data(), n, q);
      kernels().add(limb, limb, ciphertext.parts[part].limb(i), n, q);
    }
    kernels().ntt_inverse(limb, params.tables(i));
  }
  return centred_coefficients(params, message);
}

std::vector<double> decrypt(const SecretKey& secret, const SwitchedCiphertext& ciphertext) {
  const Params& params = *secret.params();
  require_same_key(secret, *ciphertext.params, ciphertext.key_id);
  const size_t bits = ciphertext.modulus_bits;
  check_switch(params, bits, ciphertext.dropped_bits).value();
  const size_t n = params.n();
  CRYPTOTL_ASSERT(ciphertext.c0.size() == n && ciphertext.c1.size() == n);
  const size_t primes = switch_primes(params, bits);
  const SecretBuffer<uint32_t> digits = product_digits(secret, ciphertext.c1, primes);
  std::vector<double> out(n);
  for (size_t j = 0; j < n; ++j) {
    uint64_t product = 0;  // modulo 2^64, which 2^k divides
    for (size_t i = primes; i-- > 0;) {
      const uint32_t q = params.modulus(i).value();
      product = product * q + centred(digits[i * n + j], q);
    }
    const uint64_t value = (ciphertext.c0[j] << ciphertext.dropped_bits) + product;
    // Shifted up and down again, the k bits are centred.
    out[j] = static_cast<double>(static_cast<int64_t>(value << (64 - bits)) >> (64 - bits));
  }
  return out;
}

}  // namespace cryptotl
