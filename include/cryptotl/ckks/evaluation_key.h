#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/rns/automorphism.h"

namespace cryptotl {

/// The Galois element that stands for relinearisation (from s^2); even, so no rotation has it.
inline constexpr uint32_t kRelinearisation = 0;

/// Which switching key: from s^2, or from s(X^galois_element), usable up to `limbs` limbs.
struct KeyRequest {
  uint32_t galois_element = kRelinearisation;
  size_t limbs = 0;
  bool operator==(const KeyRequest&) const = default;
};

/// Re-encryption material from s' to s: digit i is an RLWE pair (b_i, a_i) over the first `limbs` primes and
/// the special ones, in NTT form, with b_i + a_i s = e_i + P s' (the last term modulo the digit's own primes
/// only). The a_i are expanded from a seed.
struct SwitchingKey {
  KeyRequest request;
  Seed seed;
  std::vector<RnsPolynomial> b;  ///< [digit], extended
};

/// All the switching keys of one secret key that a plan asks for.
struct EvaluationKeys {
  ParamsPtr params;
  KeyId key_id{};
  std::vector<SwitchingKey> keys;

  const SwitchingKey* find(uint32_t galois_element, size_t limbs) const;
};

/// Digit `digit` of the uniform half, for limb `limb` of the extended polynomial.
void expand_key_seed(const Params& params, const KeyId& key_id, const SwitchingKey& key, size_t digit,
                     size_t limb, std::span<uint32_t> out);

/// A switching key laid out as it is read: for each extended limb one stream [N/16][digit][2][16] of b and a
/// in Montgomery form, permuted by the inverse automorphism, so that the automorphism comes after the sum
/// over the digits (hoisting: Halevi and Shoup, eprint 2018/244), and in the order of the blocks that it
/// makes. Serves any ciphertext of exactly `limbs` limbs. Immutable.
class PreparedKey {
 public:
  /// Words that a key for `limbs` limbs takes.
  static size_t words(const Params& params, size_t limbs);

  /// In memory of its own, or in that many words at `memory`, which outlive it: many keys in one block share
  /// its huge pages.
  PreparedKey(const Params& params, const KeyId& key_id, const SwitchingKey& key, size_t limbs,
              uint32_t* memory = nullptr);
  /// The same with both halves given, [digit] of extended polynomials each: for keys that another library
  /// made.
  PreparedKey(const Params& params, const KeyRequest& request, std::span<const RnsPolynomial> b,
              std::span<const RnsPolynomial> a, size_t limbs, uint32_t* memory = nullptr);
  PreparedKey(PreparedKey&&) = default;
  PreparedKey& operator=(PreparedKey&&) = default;

  uint32_t galois_element() const { return galois_element_; }
  /// What comes after the sum over the digits; the identity for relinearisation.
  const Automorphism& automorphism() const { return automorphism_; }
  size_t limbs() const { return limbs_; }
  const uint32_t* stream(size_t limb) const { return words_ + limb * limb_words_; }
  size_t bytes() const { return extended_limbs_ * limb_words_ * sizeof(uint32_t); }

 private:
  uint32_t galois_element_;
  Automorphism automorphism_;
  size_t limbs_;
  size_t extended_limbs_;
  size_t limb_words_;
  AlignedVector<uint32_t> own_;
  uint32_t* words_;
};

}  // namespace cryptotl
