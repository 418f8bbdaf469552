#pragma once

#include <span>

#include "cryptotl/ckks/ciphertext.h"

namespace cryptotl {

/// An encryption of zero over every prime and P, in NTT form: b + a s = e, with a expanded from the seed.
struct PublicKey {
  ParamsPtr params;
  KeyId key_id{};
  Seed seed;
  RnsPolynomial b;
};

/// The uniform half a, over every prime and P, in NTT form.
RnsPolynomial expand_public_key_seed(const PublicKey& key);

/// Encrypts the coefficients of a plaintext, in units of 2^message_shift(scale), for those who must not hold
/// the secret key, over the first `limbs` primes: (round((u b + e_0) / P) + m, round((u a + e_1) / P)).
/// Encrypting zero modulo Q P and dividing by P leaves little more than the rounding of two parts, where (u b
/// + e_0 + m, u a + e_1) modulo Q would carry sqrt(4N/3) errors (Microsoft SEAL does the same). Noise:
/// fresh_public_noise() in noise.h. Throws as require_message.
Ciphertext encrypt_public(const PublicKey& key, std::span<const int64_t> coefficients, double scale,
                          size_t limbs);

}  // namespace cryptotl
