#pragma once

#include "cryptotl/ckks/public_key.h"

namespace cryptotl {

/// Adds fresh encryptions of zero, which leave of a ciphertext's parts nothing but its message and noise:
/// (u b + e_0, u a + e_1) modulo the first `limbs` primes, with a ternary u. They are not divided by P, as
/// encrypt_public()'s are, for answers have room for their noise (zero_noise() in noise.h). Const calls are
/// safe from several threads.
class ZeroEncryption {
 public:
  ZeroEncryption(const PublicKey& key, size_t limbs);

  size_t bytes() const { return 2 * halves_[0].num_limbs() * halves_[0].n() * sizeof(uint32_t); }

  /// To c_0 and c_1 in coefficient form.
  void add_to(RnsPolynomial& c0, RnsPolynomial& c1) const;
  /// The same with mask and errors from a secret stream: for one that has to come again.
  void add_to(RnsPolynomial& c0, RnsPolynomial& c1, Xof& stream) const;

 private:
  ParamsPtr params_;
  RnsPolynomial halves_[2];  ///< b and a, NTT form
};

}  // namespace cryptotl
