#pragma once

#include <array>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/key_switch.h"

namespace cryptotl {

/// A message in NTT form over the first limbs primes, ready to meet ciphertexts.
struct Plaintext {
  ParamsPtr params;
  double scale = 1.0;
  RnsPolynomial polynomial;
};

/// Homomorphic operations on ciphertexts of one set of parameters; holds no secret. Operands stand at one
/// level and one set of parameters, sums at one scale (within 2^-20 relatively); else scale_mismatch,
/// parameter_mismatch, level_exhausted or missing_key are thrown. Const calls are safe from several threads.
class Evaluator {
 public:
  explicit Evaluator(ParamsPtr params, size_t threads = 1);

  /// Prepares every key of the set for use; throws parameter_mismatch for other parameters.
  void add_keys(const EvaluationKeys& keys);
  /// Takes one prepared key for ciphertexts of exactly its limbs; the first of a kind stays.
  void add_key(PreparedKey key);

  Plaintext encode(std::span<const Complex> values, double scale, size_t limbs) const;

  Ciphertext add(const Ciphertext& a, const Ciphertext& b) const;
  Ciphertext subtract(const Ciphertext& a, const Ciphertext& b) const;
  Ciphertext negate(const Ciphertext& a) const;
  Ciphertext add_plain(const Ciphertext& a, const Plaintext& b) const;
  /// Scales multiply; rescale afterwards.
  Ciphertext multiply_plain(const Ciphertext& a, const Plaintext& b) const;
  /// Three parts, scales multiply; relinearise and rescale afterwards. Operands have two parts.
  Ciphertext multiply(const Ciphertext& a, const Ciphertext& b) const;
  Ciphertext relinearise(const Ciphertext& a) const;
  /// Divides by the last prime: one limb less, the scale divided by exactly that prime.
  Ciphertext rescale(const Ciphertext& a) const;
  /// Forgets limbs without dividing.
  Ciphertext mod_drop(const Ciphertext& a, size_t limbs) const;
  /// Slots to the left by `steps`; negative to the right. Needs that rotation's key.
  Ciphertext rotate(const Ciphertext& a, int steps) const;
  Ciphertext conjugate(const Ciphertext& a) const;
  /// All the rotations of one ciphertext from one decomposition.
  std::vector<Ciphertext> rotate_hoisted(const Ciphertext& a, std::span<const int> steps) const;

  const Params& params() const { return *params_; }
  const Encoder& encoder() const { return encoder_; }

 private:
  const PreparedKey& key(const Ciphertext& ciphertext, uint32_t galois_element) const;
  Digits decompose_part(const RnsPolynomial& part) const;
  std::array<RnsPolynomial, 2> switched(const Digits& digits, const PreparedKey& key) const;
  Ciphertext apply_galois(const Ciphertext& a, uint32_t galois_element, const Digits& digits) const;
  void require_operand(const Ciphertext& a) const;
  void require_pair(const Ciphertext& a, const Ciphertext& b) const;

  ParamsPtr params_;
  Encoder encoder_;
  mutable ThreadPool threads_;
  std::map<std::pair<uint32_t, size_t>, std::unique_ptr<const PreparedKey>> prepared_;
};

}  // namespace cryptotl
