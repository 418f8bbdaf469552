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

/// Encrypts the coefficients of a plaintext for those who must not hold the secret key: (u b + e_0 + m, u a +
/// e_1) modulo the first `limbs` primes. The noise is about sqrt(4N/3) times that of encrypt().
Ciphertext encrypt_public(const PublicKey& key, std::span<const int64_t> coefficients, double scale,
                          size_t limbs);

}  // namespace cryptotl
