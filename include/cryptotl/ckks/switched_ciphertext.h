#pragma once

#include <cstdint>
#include <vector>

#include "cryptotl/ckks/ciphertext.h"

namespace cryptotl {

/// The largest k of a modulus 2^k below.
inline constexpr size_t kMaxSwitchedBits = 62;
/// The largest sum of k and the spare bits of a switch.
inline constexpr size_t kMaxSwitchBits = 92;

/// A ciphertext on its last way, to be decrypted and no more computed with: switched from its primes to the
/// modulus 2^k, k = modulus_bits, in coefficient form, the lowest d = dropped_bits of c_0 rounded away:
///   2^d c_0 + c_1 s = scale * message + noise modulo 2^k.
struct SwitchedCiphertext {
  ParamsPtr params;
  KeyId key_id{};
  double scale = 1.0;  ///< after the switch
  size_t modulus_bits = 0;
  size_t dropped_bits = 0;
  std::vector<uint64_t> c0;  ///< N numbers below 2^(k - d)
  std::vector<uint64_t> c1;  ///< N numbers below 2^k
};

/// invalid_argument unless d < k <= kMaxSwitchedBits and these parameters have the primes for it, as
/// switch_primes() counts.
Status check_switch(const Params& params, size_t modulus_bits, size_t dropped_bits);

/// How many primes, of the ciphertext's and the first special one, hold c_1 s over the integers: a
/// coefficient is below N 2^k in absolute value, or 2N 2^k in the conjugate-invariant ring, which their
/// product must exceed twice. 0 where all do not.
size_t switch_primes(const Params& params, size_t modulus_bits);

/// c_1 becomes round(c_1 2^(k+m) / Q) modulo 2^k and c_0 round(c_0 2^(k+m-d) / Q) modulo 2^(k-d), Q being the
/// product of the ciphertext's primes and m = spare_bits: how many of the highest bits modulo Q the message
/// leaves unused, so that it is below Q / 2^(m+1). A quotient is right to L 2^(k+m-98) of a unit before it is
/// rounded, for L limbs. Needs no key, and hides nothing: who decrypts sees the rounding beside the noise
/// (modulus_switch_noise in noise.h). Throws invalid_argument for other than two parts, for k + m above
/// kMaxSwitchBits and as check_switch.
SwitchedCiphertext modulus_switch(const Ciphertext& ciphertext, size_t modulus_bits, size_t dropped_bits,
                                  size_t spare_bits = 0);
/// The same of c_0 and c_1 in coefficient form, over all their limbs; destroys them.
SwitchedCiphertext modulus_switch(const ParamsPtr& params, const KeyId& key_id, double scale,
                                  RnsPolynomial& c0, RnsPolynomial& c1, size_t modulus_bits,
                                  size_t dropped_bits, size_t spare_bits);

}  // namespace cryptotl
