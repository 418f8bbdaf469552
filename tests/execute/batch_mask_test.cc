// What is added to the answers of a batch before its client decrypts them.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "execute/encrypted_batches.h"

namespace cryptotl {
namespace {

/// By samples; 0: one in each slot.
class MaskedBatches : public testing::TestWithParam<size_t> {
 protected:
  Batches served(const PlanOptions& options = {}) const {
    PlanOptions wish = options;
    wish.samples = GetParam();
    return Batches(network_, wish);
  }
  std::vector<Bytes> answered(Batches& both, const EncryptedBatch& batch, bool trusting = false) const {
    both.send(batch);
    both.runner.run(*both.keys);
    return both.runner.answer_rows(0, both.plan.output_rows(), *both.keys, trusting);
  }

  FoldedNetwork network_ = random_network(12, 10, 9, 1);
  Matrix rows_ = uniform_rows(20, 12, 2);
};
INSTANTIATE_TEST_SUITE_P(All, MaskedBatches, testing::Values(0, 1024));

TEST_P(MaskedBatches, AnswerABatchAlikeHoweverOftenItIsSent) {
  Batches both = served();
  const EncryptedBatch batch = both.encrypted(rows_);
  const std::vector<Bytes> first = answered(both, batch);
  EXPECT_EQ(first, answered(both, batch));
  // Rows that are asked for one by one, by another runner of several threads.
  BatchRunner other(both.program, 2);
  both.send(batch, other);
  other.run(*both.keys);
  for (size_t i = first.size(); i-- > 0;) EXPECT_EQ(first[i], other.answer_rows(i, 1, *both.keys).front());
}

TEST_P(MaskedBatches, MaskEveryBatchAnewAndByASecretOfTheProgram) {
  Batches both = served();
  const EncryptedBatch batch = both.encrypted(rows_);
  const std::vector<Bytes> first = answered(both, batch);
  EXPECT_NE(first, answered(both, both.encrypted(rows_)));
  EXPECT_NE(first, answered(both, batch, true));
  BatchRunner other(std::make_shared<BatchProgram>(both.folded, both.calibration, both.plan), 1);
  both.send(batch, other);
  other.run(*both.keys);
  EXPECT_NE(first.front(), other.answer_rows(0, 1, *both.keys).front());
}

TEST_P(MaskedBatches, CarryGaussianNoiseOfItsDeviationInEverySlot) {
  for (const double precision : {1e-2, 1e-4}) {
    Batches both = served({precision});
    ASSERT_GT(both.plan.flood_deviation, both.plan.evaluation_deviation / 2);
    const size_t samples = both.plan.samples();
    both.send(both.encrypted(uniform_rows(samples, network_.input_width(), 3)));
    both.runner.run(*both.keys);
    const Matrix masked = both.answers(samples);
    const Matrix bare = both.answers(samples, true);
    std::vector<double> noise;
    for (size_t i = 0; i < masked.values.size(); ++i)
      noise.push_back((masked.values[i] - bare.values[i]) / both.plan.flood_deviation);
    const auto count = static_cast<double>(noise.size());
    // With the rounding of either answer.
    const double rounding = both.plan.noise.back().deviation / both.plan.flood_deviation;
    double squares = 0;
    for (const double value : noise) squares += value * value;
    EXPECT_GE(squares / count, 1 - 6 * std::sqrt(2 / count)) << precision;
    EXPECT_LE(squares / count, (1 + 4 * rounding * rounding) * (1 + 6 * std::sqrt(2 / count))) << precision;
    // Neighbouring outputs, neighbouring samples, and those of a distance: no noise is another's.
    const size_t width = network_.output_width();
    for (const size_t apart : {size_t{1}, width, samples / 2 * width}) {
      double sum = 0;
      for (size_t i = 0; i + apart < noise.size(); ++i) sum += noise[i] * noise[i + apart];
      EXPECT_LT(std::abs(sum), 6 * std::sqrt(count) * (1 + 4 * rounding * rounding)) << apart;
    }
  }
}

TEST_P(MaskedBatches, CarryNoneWhereThePrecisionLeavesNoRoom) {
  const BatchPlan usual = served().plan;
  double others = 0;
  for (size_t i = 0; i + 2 < usual.noise.size(); ++i) others = std::hypot(others, usual.noise[i].deviation);
  Calibration calibration = calibrate(network_, uniform_rows(100, 12, 2));
  // Tails are counted in the error and not in the terms, so that the least that can be had is searched for.
  double low = 8 * others, high = usual.predicted_error;
  BatchPlan tight = usual;
  for (int i = 0; i < 12; ++i) {
    const double precision = std::sqrt(low * high);
    const auto plan = plan_batch(network_, calibration, {.precision = precision, .samples = GetParam()});
    if (plan.ok() && plan->params == usual.params) {
      tight = *plan;
      high = precision;
    } else {
      low = precision;
    }
  }
  EXPECT_LT(tight.flood_deviation, 0.2 * usual.flood_deviation);
  EXPECT_LE(tight.predicted_error, high);
}

}  // namespace
}  // namespace cryptotl
