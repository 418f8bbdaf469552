#pragma once

#include "cryptotl/ckks/public_key.h"

namespace cryptotl {

/// Adds fresh encryptions of zero, which leave of a ciphertext's parts nothing but its message and noise:
/// (u b + e_0, u a + e_1) modulo the first `limbs` primes, with a ternary u. They are not divided by P, as
/// encrypt_public()'s are, for answers have room for their noise (zero_noise() in noise.h). Const calls are
/// safe from several threads.
class ZeroEncryption {
 public:
  /// The largest deviation of a flood: double precision holds 12 deviations to the integer.
  static constexpr double kLargestFlood = 0x1p47;

  ZeroEncryption(const PublicKey& key, size_t limbs);

  size_t bytes() const { return 2 * halves_[0].num_limbs() * halves_[0].n() * sizeof(uint32_t); }

  /// To c_0 and c_1 in coefficient form, with u and errors from a secret stream: it has to be one of its own
  /// for everything that gets one, and the same where that is answered again.
  /// Where `flood` is above kErrorDeviation, e_0 is Gaussian noise of that deviation, which gives all slots
  /// noise of one deviation, each independent of the others'.
  void add_to(RnsPolynomial& c0, RnsPolynomial& c1, Xof& stream, double flood = 0) const;

 private:
  void add_products(RnsPolynomial& c0, RnsPolynomial& c1, Xof& stream) const;
  void add_error(RnsPolynomial& part, Xof& stream) const;
  void add_flood(RnsPolynomial& c0, double deviation, Xof& stream) const;

  ParamsPtr params_;
  RnsPolynomial halves_[2];  ///< b and a, NTT form
};

}  // namespace cryptotl
