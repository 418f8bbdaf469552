#pragma once

#include <map>
#include <memory>
#include <vector>

#include "cryptotl/base/parallel.h"
#include "cryptotl/ckks/ciphertext.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/key_switch.h"
#include "cryptotl/plan/latency_plan.h"
#include "cryptotl/rns/automorphism.h"

namespace cryptotl {

/// A model's matrices as diagonals in NTT form and in reading order, encoded once; the same for every client.
/// Immutable, shared between threads.
class LatencyProgram {
 public:
  /// Throws insecure_parameters and the like for a plan that does not hold.
  LatencyProgram(const FoldedNetwork& network, const LatencyPlan& plan);

  const LatencyPlan& plan() const { return plan_; }
  const ParamsPtr& params() const { return params_; }
  size_t bytes() const;

 private:
  friend class LatencyRunner;
  /// One matrix: for each limb one stream [giant step][N/16][baby step][16], Montgomery form, over `limbs`
  /// primes and P.
  struct Diagonals {
    size_t limbs = 0;
    size_t baby_steps = 0;
    size_t giant_steps = 0;
    size_t limb_words = 0;
    AlignedVector<uint32_t> words;
    const uint32_t* stream(size_t limb, size_t giant, size_t n) const {
      return words.data() + limb * limb_words + giant * baby_steps * n;
    }
  };
  template <typename Entry>
  Diagonals encode(size_t limbs, size_t count, double scale, const Entry& entry) const;

  LatencyPlan plan_;
  ParamsPtr params_;
  Diagonals first_, second_;
  RnsPolynomial first_bias_, alpha_, centre_, second_bias_;  ///< each at its step's scale and limbs, NTT form
  std::map<uint32_t, Automorphism> automorphisms_;           ///< by Galois element; 1 is the identity
};

/// One client's switching keys in reading order, at the limbs that the plan uses them. Immutable, shared.
class LatencyKeys {
 public:
  /// missing_key names the first key that the plan needs and the set lacks; parameter_mismatch for other
  /// parameters.
  static Result<std::shared_ptr<const LatencyKeys>> create(const LatencyPlan& plan,
                                                           const EvaluationKeys& keys);

  const KeyId& key_id() const { return key_id_; }
  const PreparedKey& at(uint32_t galois_element, size_t limbs) const {
    return keys_.at({galois_element, limbs});
  }
  size_t bytes() const;

 private:
  KeyId key_id_{};
  std::map<std::pair<uint32_t, size_t>, PreparedKey> keys_;
};

/// The encrypted forward pass. Owns all memory that a pass works in, so a pass allocates only its answer. Not
/// thread-safe: one runner a concurrent pass; `threads` share the limbs of one pass.
class LatencyRunner {
 public:
  LatencyRunner(std::shared_ptr<const LatencyProgram> program, size_t threads);
  ~LatencyRunner();

  /// The answer (two parts, the base limbs, scale plan().output_scale()) to an encrypted input (two parts,
  /// all limbs, scale plan().input_scale). Throws parameter_mismatch for a ciphertext of another shape, scale
  /// or key.
  Ciphertext run(const Ciphertext& input, const LatencyKeys& keys);

  /// run() from request bytes to answer bytes, both in the wire format.
  Result<Bytes> answer(ByteView request, const LatencyKeys& keys);

  const LatencyProgram& program() const { return *program_; }

 private:
  struct Workspace;
  std::shared_ptr<const LatencyProgram> program_;
  std::unique_ptr<ThreadPool> threads_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace cryptotl
