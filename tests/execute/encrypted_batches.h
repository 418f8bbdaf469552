#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/execute/batch.h"
#include "plan/random_network.h"

namespace cryptotl {

inline const Digest kSeed = batch_seed(Digest{}, 0);

/// Samples as a client sends them, less 1/2: a feature a row, or a block of them.
inline Matrix features_by_sample(const Matrix& rows, size_t block = 1) {
  Matrix out((rows.cols + block - 1) / block, rows.rows * block);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t f = 0; f < rows.cols; ++f) out(f / block, i * block + f % block) = rows(i, f) - 0.5;
  }
  return out;
}

inline double largest_difference(const Matrix& a, const Matrix& b) {
  double largest = 0;
  for (size_t i = 0; i < a.values.size(); ++i)
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  return largest;
}

/// A network, its batch program, and a client's keys.
struct Batches {
  explicit Batches(const FoldedNetwork& network, const PlanOptions& options = {}, size_t threads = 1)
      : Batches(network, uniform_rows(100, network.input_width(), 2), options, threads) {}
  Batches(FoldedNetwork network, const Matrix& source, const PlanOptions& options, size_t threads = 1)
      : folded(std::move(network)),
        calibration(calibrate(folded, source)),
        plan(plan_batch(folded, calibration, options).value()),
        program(std::make_shared<BatchProgram>(folded, calibration, plan)),
        key(program->params(), kSeed),
        keys(BatchKeys::create(plan, make_evaluation_keys(key.secret(), required_keys(plan)),
                               make_public_key(key.secret()))
                 .value()),
        runner(program, threads) {}

  EncryptedBatch encrypted(const Matrix& rows) {
    return key.encrypt(features_by_sample(rows, plan.block), plan.input_scale, plan.top_limbs(), plan.block);
  }
  Bytes row(const EncryptedBatch& batch, size_t i) const {
    return write_batch_row(*program->params(), key.secret().id(), batch.place(i), batch.row(i));
  }
  void send(const EncryptedBatch& batch, std::shared_ptr<const BatchHalf> half = nullptr) {
    send(batch, runner, std::move(half));
  }
  void send(const EncryptedBatch& batch, BatchRunner& to, std::shared_ptr<const BatchHalf> half = nullptr) {
    to.begin(kSeed, batch.number(), key.secret().id(), std::move(half));
    for (size_t i = 0; i < batch.rows(); ++i) to.take_row(row(batch, i)).value();
  }
  Matrix answers(size_t samples, bool trusting = false) {
    const RealEncoder encoder(program->params()->log_n());
    Matrix out(samples, plan.output_width());
    for (size_t r = 0; r < plan.output_rows(); ++r) {
      const Bytes bytes = runner.answer_rows(r, 1, *keys, trusting).front();
      const auto coefficients = decrypt(key.secret(), read_answer(bytes, program->params()).value());
      EXPECT_FALSE(may_have_wrapped(plan, coefficients));
      const std::vector<double> slots = encoder.decode(coefficients, plan.answer_scale());
      for (size_t i = 0; i < samples * plan.block; ++i) {
        const size_t output = r * plan.block + i % plan.block;
        if (output < plan.output_width()) out(i / plan.block, output) = slots[i];
      }
    }
    return out;
  }
  Matrix features(const Matrix& rows, std::shared_ptr<const BatchHalf> half = nullptr) {
    send(encrypted(rows), std::move(half));
    runner.run(*keys);
    return answers(rows.rows);
  }

  FoldedNetwork folded;
  Calibration calibration;
  BatchPlan plan;
  std::shared_ptr<const BatchProgram> program;
  BatchKey key;
  std::shared_ptr<const BatchKeys> keys;
  BatchRunner runner;
};

}  // namespace cryptotl
