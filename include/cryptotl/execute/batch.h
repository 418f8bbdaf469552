#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/parallel.h"
#include "cryptotl/base/random.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/batch_encryption.h"
#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/zero_encryption.h"
#include "cryptotl/execute/products.h"
#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/rns/integer_matrix.h"

namespace cryptotl {

/// A model's matrices as integers, laid out once; the same for every client. Immutable, shared between
/// threads.
class BatchProgram {
 public:
  /// Throws insecure_parameters and the like for a plan that does not hold, parameter_mismatch where network,
  /// calibration and plan do not belong together.
  BatchProgram(const FoldedNetwork& network, const Calibration& calibration, const BatchPlan& plan);

  const BatchPlan& plan() const { return plan_; }
  const ParamsPtr& params() const { return params_; }
  size_t bytes() const;

 private:
  friend class BatchRunner;
  friend class BatchHalf;
  struct Blocks;
  void round_matrices(const FoldedNetwork& network);
  void encode_blocks(const FoldedNetwork& network, const Calibration& calibration);
  void add_biases(const FoldedNetwork& network, const std::vector<double>& centres);
  void add_activation(const FoldedActivation& activation, size_t index, double centre);

  BatchPlan plan_;
  SecretBuffer<Seed> secret_;  ///< from which the masks of all answers follow
  ParamsPtr params_;
  std::vector<IntegerMatrix> matrices_;
  Digest first_matrix_{};                                    ///< of its entries
  std::vector<std::vector<std::vector<uint32_t>>> biases_;   ///< [matrix][row][limb], at the output's scale
  std::vector<std::vector<ProductResidues>> products_;       ///< [activation][product]
  std::vector<std::vector<uint32_t>> activation_constants_;  ///< [activation][limb], of its last product
  std::shared_ptr<const Blocks> blocks_;  ///< of plans with blocks, for matrices and biases
};

/// One client's keys for batches. Immutable, shared.
class BatchKeys {
 public:
  /// missing_key names the first key that the plan needs and the set lacks; parameter_mismatch for other
  /// parameters or keys of two secrets.
  static Result<std::shared_ptr<const BatchKeys>> create(const BatchPlan& plan, const EvaluationKeys& keys,
                                                         const PublicKey& public_key);

  const KeyId& key_id() const { return key_id_; }
  /// Its fingerprint.
  const Digest& public_key() const { return public_key_; }
  /// From s^2, for ciphertexts of exactly so many limbs.
  const PreparedKey& relinearisation(size_t limbs) const { return at(kRelinearisation, limbs); }
  const PreparedKey& at(uint32_t galois_element, size_t limbs) const;
  const ZeroEncryption& zero() const { return *zero_; }
  size_t bytes() const;

 private:
  const PreparedKey* find(const KeyRequest& wanted) const;

  KeyId key_id_{};
  Digest public_key_{};
  std::vector<PreparedKey> keys_;
  std::optional<ZeroEncryption> zero_;
};

/// What the first matrix makes of c_1, which is the same for every client's batch of this seed and number:
/// worked out once, kept on disk. Programs with blocks have none: they rotate c_1, which takes the client's
/// keys. Immutable.
class BatchHalf {
 public:
  const Digest& seed() const { return seed_; }
  uint64_t number() const { return number_; }
  size_t bytes() const { return words_.size() * sizeof(uint32_t); }
  /// Of every half for this plan, in a file.
  static size_t file_bytes(const BatchPlan& plan);

  /// Whole or not at all.
  Status write(const std::filesystem::path& path, const BatchProgram& program) const;
  /// Refuses a file that is damaged, or of another program, seed or number.
  static Result<std::shared_ptr<const BatchHalf>> read(const std::filesystem::path& path,
                                                       const BatchProgram& program, const Digest& seed,
                                                       uint64_t number);

 private:
  friend class BatchRunner;
  Digest seed_{};
  uint64_t number_ = 0;
  AlignedVector<uint32_t> words_;  ///< [hidden unit][limb][N], after the rescale, NTT form
};

/// The encrypted forward pass of a batch, row by row in and out. Owns the memory of one batch's operands,
/// about 8 N bytes a limb and feature, and works in place; allocates nothing else but answers. Not
/// thread-safe: one runner a concurrent batch; `threads` share its work.
///
///   begin(); take_row() for every input row in turn; run(); answer_rows() for every output row.
class BatchRunner {
 public:
  BatchRunner(std::shared_ptr<const BatchProgram> program, size_t threads);
  ~BatchRunner();

  const BatchProgram& program() const { return *program_; }
  /// Of the operands and all else that the runner holds.
  size_t memory_bytes() const;

  /// Forgets whatever was there. With the half of this batch, c_1 is not expanded and its part of the first
  /// matrix not multiplied; the answers are the same to the bit.
  /// Throws parameter_mismatch where `half` is for another batch.
  void begin(const Digest& seed, uint64_t number, const KeyId& key_id,
             std::shared_ptr<const BatchHalf> half = nullptr);
  /// The next row (write_batch_row). malformed, or parameter_mismatch for one of another batch, key or place;
  /// the batch then goes on where it was. resource_exhausted after the last row.
  Status take_row(ByteView row);
  size_t rows_taken() const;
  /// All up to the answers. Throws invalid_argument before all rows are there, parameter_mismatch for keys of
  /// another client.
  void run(const BatchKeys& keys);
  /// Output rows first .. first + count - 1 as write_answer gives them: with encryptions of zero under the
  /// client's public key and Gaussian noise added unless `trusting`, which shows the client what the answers'
  /// noise tells of the weights (docs/security.md). The same batch gets the same answers from one program,
  /// whichever runner gives them. Masks of batches under one seed, number and key are the same: the caller
  /// sees to it that they serve one batch, as BatchKeyStore does.
  std::vector<Bytes> answer_rows(size_t first, size_t count, const BatchKeys& keys, bool trusting = false);

  /// Works out what begin() takes. Uses the memory of a batch. Throws invalid_argument for a program with
  /// blocks.
  std::shared_ptr<const BatchHalf> prepare(const Digest& seed, uint64_t number);

  /// What the parts of the last batch took, in seconds of the runner.
  struct Times {
    double read = 0;               ///< rows: parsing, checking, c_1
    std::vector<double> matrices;  ///< with their rotations
    double activations = 0;
    double answers = 0;
    double sum() const;
  };
  const Times& times() const;

 private:
  struct State;
  class BlockLayers;
  std::shared_ptr<const BatchProgram> program_;
  std::unique_ptr<State> state_;
};

}  // namespace cryptotl
