#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cryptotl/base/digest.h"
#include "cryptotl/base/matrix.h"
#include "cryptotl/ckks/real_encoder.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {

/// Where a row of an encrypted batch belongs. Its c_1 follows from seed, number and row alone and is the same
/// for every client: what a server works out of it once serves all.
struct BatchRow {
  Digest seed{};        ///< published, from what nobody chooses: see batch_seed()
  uint64_t number = 0;  ///< of the batch under this seed
  uint32_t row = 0;
  bool operator==(const BatchRow&) const = default;
};

/// The seed of one epoch of a model: a hash, so that whoever picks epoch or model cannot pick what c_1
/// becomes. It changes with the epoch, since work on the lattice of one c_1 would serve against all keys that
/// meet it.
Digest batch_seed(const Digest& model, uint64_t epoch);

/// c_1 of a row modulo prime `limb`: N uniform residues, in coefficient form.
void expand_batch_row(const Params& params, const BatchRow& row, size_t limb, std::span<uint32_t> out);

class EncryptedBatch;

/// No slot of a batch's secret is larger than so many standard deviations, sqrt(4N/3): of the keys that are
/// drawn the others, four in ten, are drawn again, which costs less than a bit of security and takes the end
/// off the noise that rounding makes with the secret.
inline constexpr double kSecretSlotBound = 4;

/// A secret key for batches and nothing else. Many keys share one c_1 under fresh errors, which is sound
/// (multi-secret RLWE); the same c_1 twice under one key would give away the difference of two messages. So
/// the key numbers its batches itself and is never written to a file: whoever starts again makes a new one.
/// Move-only. Not thread-safe.
class BatchKey {
 public:
  /// In the conjugate-invariant ring; throws invalid_argument for parameters of the other.
  BatchKey(const ParamsPtr& params, const Digest& seed);

  const SecretKey& secret() const { return secret_; }
  const Digest& seed() const { return seed_; }
  /// Encrypts the next batch: `samples` [rows of the batch][1 to N slots], where every `block` slots, of
  /// which there are whole ones, are a sample.
  EncryptedBatch encrypt(Matrix samples, double scale, size_t limbs, size_t block = 1);

 private:
  SecretKey secret_;
  Digest seed_;
  uint64_t next_ = 0;
};

/// One batch, row by row as it is sent. A row that is asked for again is the same to the bit, so it may be
/// sent again: its error comes from a secret of the batch's own. Where there are fewer than N samples, the
/// other slots repeat some of them, drawn at random: their values lie where samples lie. Refers to its key.
/// Const calls may come from several threads.
class EncryptedBatch {
 public:
  uint64_t number() const { return number_; }
  size_t rows() const { return samples_.rows; }
  BatchRow place(size_t row) const { return {key_->seed(), number_, static_cast<uint32_t>(row)}; }
  /// c_0, in coefficient form.
  RnsPolynomial row(size_t row) const;

 private:
  friend class BatchKey;
  EncryptedBatch(const BatchKey& key, const RealEncoder& encoder, uint64_t number, Matrix samples,
                 double scale, size_t limbs, size_t block);

  const BatchKey* key_;
  RealEncoder encoder_;
  uint64_t number_;
  Matrix samples_;
  double scale_;
  size_t limbs_;
  std::vector<size_t> repeated_;  ///< the slot that each of the others repeats
  SecretBuffer<Seed> error_;
};

}  // namespace cryptotl
