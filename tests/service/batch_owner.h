#pragma once

#include "cryptotl/ckks/batch_encryption.h"
#include "cryptotl/ckks/wire.h"
#include "service/served.h"

namespace cryptotl {

/// The data owner of a batch job: a key for batches and what it makes for one server.
struct BatchOwner {
  explicit BatchOwner(const BatchMetadata& offer) : BatchOwner(offer, offer.seed) {}
  BatchOwner(const BatchMetadata& offer, const Digest& seed)
      : metadata(offer), key(offer.params, seed), encoder(offer.params->log_n()) {
    keys = write_key_set(make_evaluation_keys(key.secret(), required_keys(offer.plan)),
                         make_public_key(key.secret()));
    name = digest(keys);
  }

  /// The next batch, of rows of scaled inputs.
  EncryptedBatch encrypted(const Matrix& rows) {
    const BatchPlan& plan = metadata.plan;
    Matrix samples(plan.input_rows(), rows.rows * plan.block);
    for (size_t i = 0; i < rows.rows; ++i) {
      for (size_t f = 0; f < rows.cols; ++f)
        samples(f / plan.block, i * plan.block + f % plan.block) = rows(i, f) - 0.5;
    }
    return key.encrypt(std::move(samples), plan.input_scale, plan.top_limbs(), plan.block);
  }
  Bytes row(const EncryptedBatch& batch, size_t i) const {
    return write_batch_row(*metadata.params, key.secret().id(), batch.place(i), batch.row(i));
  }
  /// All rows, one after the other.
  Bytes body(const EncryptedBatch& batch) const {
    Bytes out;
    for (size_t i = 0; i < batch.rows(); ++i) {
      const Bytes one = row(batch, i);
      out.insert(out.end(), one.begin(), one.end());
    }
    return out;
  }
  std::vector<double> decrypted(ByteView answer_row) const {
    const SwitchedCiphertext answer = read_answer(answer_row, metadata.params).value();
    return encoder.decode(decrypt(key.secret(), answer), metadata.plan.answer_scale());
  }
  /// An exchange of this batch whose answer goes to `features` [samples][outputs].
  BatchExchange exchange(const EncryptedBatch& batch, Matrix& features) const {
    BatchExchange out;
    out.keys = name;
    out.number = batch.number();
    out.row = [this, &batch](size_t i) { return row(batch, i); };
    out.take_answer = [this, &features](size_t row, ByteView bytes) {
      const std::vector<double> slots = decrypted(bytes);
      const size_t block = metadata.plan.block;
      for (size_t i = 0; i < features.rows * block; ++i) {
        const size_t output = row * block + i % block;
        if (output < features.cols) features(i / block, output) = slots[i];
      }
      return Status();
    };
    return out;
  }

  BatchMetadata metadata;
  BatchKey key;
  RealEncoder encoder;
  Bytes keys;
  Digest name{};
};

}  // namespace cryptotl
