#pragma once

#include <span>
#include <vector>

#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/one_time_seed.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/switched_ciphertext.h"

namespace cryptotl {

/// A uniform ternary secret, in NTT form modulo every prime and P. Move-only, wiped when it dies, never
/// printed; it leaves the process only through write_secret_key (secret_key_file.h).
class SecretKey {
 public:
  static SecretKey generate(ParamsPtr params);

  const ParamsPtr& params() const { return params_; }
  const KeyId& id() const { return id_; }
  /// s modulo prime i (the special ones stand behind the others), NTT form, N residues.
  std::span<const uint32_t> ntt(size_t i) const {
    return ntt_.span().subspan(i * params_->n(), params_->n());
  }
  /// Coefficients in {-1, 0, 1}.
  std::span<const int8_t> coefficients() const { return coefficients_.span(); }

  /// The key with these coefficients, each in {-1, 0, 1}: for the secret key's file and for oracles.
  static SecretKey from_coefficients(ParamsPtr params, const KeyId& id, std::span<const int8_t> coefficients);

 private:
  SecretKey() = default;
  ParamsPtr params_;
  KeyId id_{};
  SecretBuffer<int8_t> coefficients_;
  SecretBuffer<uint32_t> ntt_;
};

PublicKey make_public_key(const SecretKey& secret);

/// The keys that a plan asks for. Each is a fresh sample; each carries a seed of its own.
EvaluationKeys make_evaluation_keys(const SecretKey& secret, std::span<const KeyRequest> requests);

/// Encrypts the coefficients of a plaintext, in units of 2^message_shift(scale), under the secret key: c_1 is
/// the expansion of a fresh seed, so only c_0 travels. `limbs` at most num_primes().
Ciphertext encrypt(const SecretKey& secret, std::span<const int64_t> coefficients, double scale,
                   size_t limbs);
/// The same with a seed that was drawn, and may have been announced, before. It is spent in any case. Throws
/// invalid_argument where it was spent before, insecure_parameters in a process that fork() made since.
Ciphertext encrypt(const SecretKey& secret, std::span<const int64_t> coefficients, double scale, size_t limbs,
                   OneTimeSeed seed);

/// c_0 + c_1 s (+ c_2 s^2), as centred coefficients. Throws parameter_mismatch for another key or other
/// parameters. An approximate scheme's raw decryption carries noise that depends on the key: it stays with
/// the key's owner (Li and Micciancio, eprint 2020/1533).
std::vector<double> decrypt(const SecretKey& secret, const Ciphertext& ciphertext);

/// As above, 2^d c_0 + c_1 s modulo 2^k: in integers throughout, so exact where a coefficient is below 2^53
/// and rounded to a double beyond.
std::vector<double> decrypt(const SecretKey& secret, const SwitchedCiphertext& ciphertext);

}  // namespace cryptotl
