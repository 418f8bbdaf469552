#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/ckks/switched_ciphertext.h"

namespace cryptotl {

// The attack of Li and Micciancio, "On the Security of Homomorphic Encryption on Approximate Numbers" (eprint
// 2020/1533), on whoever passes raw decryptions on. It is here so that release() (release.h) is tested, and
// deployments can be audited, against the thing itself. It needs no secret: a raw decryption m of (c_0, c_1)
// is c_0 + c_1 s to the last bit, and that is solved for s. From decrypted slots, m is what
// Encoder::encode(slots, scale) rounds to: double precision leaves a coefficient's error at about 2^-50 of
// the largest, so that it is exact for coefficients up to some 2^45. Const arguments; safe from several
// threads.

/// The secret's N coefficients, each -1, 0 or 1, from a ciphertext of two parts and the integers that it
/// decrypts to, in coefficient form; nothing where no ternary secret explains them, which is so of a wrong m
/// but with probability (3/q)^N. Solves modulo one prime under which c_1 is invertible: fails by itself with
/// probability below (N/q)^limbs. Throws invalid_argument for other than two parts or N integers.
std::optional<SecretBuffer<int8_t>> recover_secret(const Ciphertext& ciphertext,
                                                   std::span<const int64_t> decryption);

/// The same from an answer as a server sends it. Solves modulo 4, which tells -1, 0 and 1 apart: only the two
/// lowest bits of each integer count. Modulo 2 the ring is local, so that c_1 is invertible where the sum of
/// its coefficients is odd (in the conjugate-invariant ring, where c_1's constant coefficient is): one answer
/// in two serves, and nothing comes of the others.
std::optional<SecretBuffer<int8_t>> recover_secret(const SwitchedCiphertext& answer,
                                                   std::span<const int64_t> decryption);

}  // namespace cryptotl
