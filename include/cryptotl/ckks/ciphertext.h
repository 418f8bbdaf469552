#pragma once

#include <array>
#include <optional>
#include <vector>

#include "cryptotl/base/random.h"
#include "cryptotl/ckks/params.h"
#include "cryptotl/ckks/polynomial.h"

namespace cryptotl {

/// Names a secret key without telling anything of it: 16 random bytes.
using KeyId = std::array<uint8_t, 16>;

/// Polynomials c_0, c_1 (and c_2 before relinearisation) in NTT form over the first num_limbs() primes, with
/// c_0 + c_1 s + c_2 s^2 = scale * message + noise. Moved, not copied by accident: clone() copies.
struct Ciphertext {
  ParamsPtr params;
  KeyId key_id{};
  double scale = 1.0;
  std::vector<RnsPolynomial> parts;
  /// Set while c_1 is still the expansion of this seed, so that only c_0 need travel.
  std::optional<Seed> seed;

  Ciphertext() = default;
  Ciphertext(ParamsPtr parameters, const KeyId& key, size_t num_parts, size_t num_limbs);
  Ciphertext(Ciphertext&&) = default;
  Ciphertext& operator=(Ciphertext&&) = default;
  Ciphertext clone() const { return *this; }

  size_t num_limbs() const { return parts.empty() ? 0 : parts[0].num_limbs(); }
  /// Rescales left.
  size_t level() const { return num_limbs() - params->spec().base_limbs; }

 private:
  Ciphertext(const Ciphertext&) = default;
};

/// The uniform polynomial c_1 that a fresh ciphertext's seed stands for, in NTT form.
RnsPolynomial expand_ciphertext_seed(const Params& params, const KeyId& key_id, const Seed& seed,
                                     size_t num_limbs);

/// N uniform residues modulo q from a stream, by rejection.
void sample_uniform(Xof& stream, const Modulus& q, std::span<uint32_t> out);

}  // namespace cryptotl
