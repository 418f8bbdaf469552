#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cryptotl/base/parallel.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/gaussian.h"
#include "cryptotl/ckks/key_switch.h"
#include "cryptotl/ckks/switched_ciphertext.h"
#include "cryptotl/ckks/zero_encryption.h"
#include "cryptotl/execute/products.h"
#include "cryptotl/execute/ticket.h"
#include "cryptotl/plan/latency_plan.h"
#include "cryptotl/rns/automorphism.h"

namespace cryptotl {

/// Blocks of 16 values that a pass takes through all of a matrix's rotations before it goes on to the next
/// ones: few enough for the rotated ciphertexts to stay in the L1 cache.
inline constexpr size_t kTileBlocks = 8;
inline constexpr size_t kTileWords = 16 * kTileBlocks;

/// A model's matrices as diagonals in NTT form and in reading order, encoded once; the same for every client.
/// Immutable, shared between threads.
class LatencyProgram {
 public:
  /// Throws insecure_parameters and the like for a plan that does not hold, parameter_mismatch where network,
  /// calibration and plan do not belong together. Encodes every diagonal: seconds for wide networks. Answers
  /// of a `trusting` program carry neither encryptions of zero nor the flood of the plan (docs/security.md).
  LatencyProgram(const FoldedNetwork& network, const Calibration& calibration, const LatencyPlan& plan,
                 bool trusting = false);

  const LatencyPlan& plan() const { return plan_; }
  bool trusting() const { return trusting_; }
  const ParamsPtr& params() const { return params_; }
  size_t bytes() const;

 private:
  friend class LatencyRunner;
  /// One matrix: for each extended limb one stream in the order in which a pass reads it, tile after tile of
  /// kTileBlocks blocks: [tile][giant step][group][block][baby step of the group][16], Montgomery form. A
  /// group is what one lazy sum takes.
  struct Diagonals {
    size_t limbs = 0;
    size_t baby_steps = 0;
    size_t giant_steps = 0;
    size_t limb_words = 0;
    AlignedVector<uint32_t> words;
    size_t group_size() const { return std::min(baby_steps, kLazyTerms); }
    size_t groups() const { return baby_steps / group_size(); }
    /// Where a group's sum of one tile begins.
    size_t offset(size_t limb, size_t tile, size_t giant, size_t group) const {
      const size_t sums = (tile * giant_steps + giant) * groups() + group;
      return limb * limb_words + sums * group_size() * kTileWords;
    }
  };
  RnsPolynomial encode_constant(std::span<const Complex> slots, const Register& at) const;
  template <typename Entry>
  Diagonals encode(size_t matrix, double largest, const Entry& entry) const;
  void encode_matrices(const FoldedNetwork& network);
  void encode_biases(const FoldedNetwork& network, const std::vector<double>& centres);
  void encode_activation(const FoldedActivation& activation, size_t index, double centre);

  LatencyPlan plan_;
  bool trusting_;
  SecretBuffer<Seed> secret_;  ///< from which the masks of all answers follow
  ParamsPtr params_;
  Encoder encoder_;
  std::vector<Diagonals> matrices_;
  std::vector<RnsPolynomial> biases_;                ///< one a matrix, at the scale and limbs of its output
  std::vector<std::vector<ProductResidues>> terms_;  ///< [activation][product]
  std::map<uint32_t, Automorphism> automorphisms_;   ///< by Galois element; 1 is the identity
};

/// One client's switching keys in reading order, at the limbs that the plan uses them. Immutable, shared.
class LatencyKeys {
 public:
  /// missing_key names the first key that the plan needs and the set lacks; parameter_mismatch for other
  /// parameters or keys of two secrets.
  static Result<std::shared_ptr<const LatencyKeys>> create(const LatencyPlan& plan,
                                                           const EvaluationKeys& keys,
                                                           const PublicKey& public_key);

  const KeyId& key_id() const { return key_id_; }
  /// Its fingerprint.
  const Digest& public_key() const { return public_key_; }
  const ZeroEncryption& zero() const { return *zero_; }
  const PreparedKey& at(uint32_t galois_element, size_t limbs) const {
    return keys_.at({galois_element, limbs});
  }
  size_t bytes() const;

 private:
  KeyId key_id_{};
  Digest public_key_{};
  AlignedVector<uint32_t> words_;  ///< of all keys
  std::map<std::pair<uint32_t, size_t>, PreparedKey> keys_;
  std::optional<ZeroEncryption> zero_;
};

/// One part of a pass.
struct PassPart {
  std::string_view name;
  size_t layer = 0;
  double microseconds = 0;
};

/// The encrypted forward pass. Owns all memory that a pass works in, so a pass allocates only its answer. Not
/// thread-safe: one runner a concurrent pass; `threads` share the limbs of one pass.
class LatencyRunner {
 public:
  LatencyRunner(std::shared_ptr<const LatencyProgram> program, size_t threads);
  ~LatencyRunner();

  /// The answer (switched to plan().answer_bits, scale plan().answer_scale()) to an encrypted input (two
  /// parts, all limbs, scale plan().input_scale), with its masks: an encryption of zero under the client's
  /// public key, random numbers in other slots and Gaussian noise. With the ticket of its seed the input's
  /// c_1 is not looked at and may be left out. Answers of one program to one input are the same to the bit,
  /// with a ticket and without, whichever runner gives them. Masks of inputs under one seed and key are the
  /// same: the caller sees to it that a seed serves one message, as SeedLedger does. Throws
  /// parameter_mismatch for a ciphertext of another shape, scale or key, or another seed's, key's or
  /// program's ticket.
  SwitchedCiphertext run(const Ciphertext& input, const LatencyKeys& keys, const Ticket* ticket = nullptr);

  /// Works ahead for an input that will be encrypted with this seed: about as long as a pass takes without.
  Ticket prepare(const Seed& seed, const LatencyKeys& keys);

  /// run() from request bytes to answer bytes, both in the wire format.
  Result<Bytes> answer(ByteView request, const LatencyKeys& keys, const Ticket* ticket = nullptr);

  const LatencyProgram& program() const { return *program_; }
  /// The parts of the last run() or prepare(), in turn, and what each took.
  std::span<const PassPart> timeline() const;

 private:
  struct Workspace;
  std::shared_ptr<const LatencyProgram> program_;
  std::unique_ptr<ThreadPool> threads_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace cryptotl
