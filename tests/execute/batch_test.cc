#include "cryptotl/execute/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/rns/integer_matrix.h"
#include "execute/encrypted_batches.h"

namespace cryptotl {
namespace {

TEST(BatchRunner, AnswersFewSamplesAndSeveralThreadsAlike) {
  Batches both(random_network(9, 12, 3, 2), {}, 2);
  const Matrix rows = uniform_rows(5, 9, 4);
  EXPECT_LE(largest_difference(both.features(rows), forward(both.folded, rows)), both.plan.predicted_error);
}

/// By samples; 0: one in each slot.
class BatchSizes : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(All, BatchSizes, testing::Values(0, 2048, 1024, 512, 128));

TEST_P(BatchSizes, ComputeEverySampleToThePredictedError) {
  Batches both(random_network(24, 20, 7, 1), {.samples = GetParam()});
  const Matrix rows = uniform_rows(both.plan.samples(), 24, 3);
  const double error = largest_difference(both.features(rows), forward(both.folded, rows));
  EXPECT_LE(error, both.plan.predicted_error);
  EXPECT_GE(error, both.plan.predicted_error / 64);
  EXPECT_LE(both.plan.predicted_error, 1e-4);
}

TEST_P(BatchSizes, AnswerFewSamplesAndSeveralThreadsAlike) {
  Batches both(random_network(9, 130, 70, 2), {.samples = GetParam()}, 2);
  const Matrix rows = uniform_rows(3, 9, 4);
  EXPECT_LE(largest_difference(both.features(rows), forward(both.folded, rows)), both.plan.predicted_error);
}

TEST(BatchRunner, AnswersToTheSameBitsWhateverTheMatrixKernel) {
  PlanOptions options{.samples = 1024};
  options.speeds.multiply_add *= 1000;  // so that small primes pay
  Batches both(random_network(24, 20, 7, 1), options);
  ASSERT_EQ(both.program->params()->prime_bits(), 26u);
  const EncryptedBatch batch = both.encrypted(uniform_rows(100, 24, 3));
  const auto answers_by = [&](std::string_view kernel) {
    select_matrix_kernel(kernel);
    BatchRunner runner(std::make_shared<BatchProgram>(both.folded, both.calibration, both.plan), 1);
    both.send(batch, runner);
    runner.run(*both.keys);
    return runner.answer_rows(0, both.plan.output_rows(), *both.keys, true);
  };
  const std::string before(name(matrix_kernel()));
  const std::vector<Bytes> expected = answers_by("scalar");
  for (const MatrixKernel* kernel : available_matrix_kernels())
    EXPECT_TRUE(answers_by(name(*kernel)) == expected) << name(*kernel);
  select_matrix_kernel(before);
}

TEST(BatchPlan, SaysWhichPrecisionItsIntegersReach) {
  const FoldedNetwork network = random_network(6, 5, 4, 5);
  const Calibration calibration = calibrate(network, uniform_rows(100, 6, 2));
  const auto refused = plan_batch(network, calibration, {.precision = 1e-8});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(std::string(refused.error().what()).find("the least is"), std::string::npos);
}

TEST(BatchRunner, AnswersOfAPreparedHalfAreTheSameToTheBit) {
  Batches both(random_network(11, 8, 3, 6));
  const Matrix rows = uniform_rows(30, 11, 4);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "half";
  const EncryptedBatch batch = both.encrypted(rows);
  both.runner.prepare(kSeed, batch.number())->write(path, *both.program).value();
  EXPECT_EQ(std::filesystem::file_size(path), BatchHalf::file_bytes(both.plan));
  const auto half = BatchHalf::read(path, *both.program, kSeed, batch.number()).value();
  both.send(batch);
  both.runner.run(*both.keys);
  const std::vector<Bytes> cold = both.runner.answer_rows(0, 3, *both.keys);
  both.send(batch, half);
  both.runner.run(*both.keys);
  EXPECT_EQ(cold, both.runner.answer_rows(0, 3, *both.keys));

  EXPECT_THROW(both.runner.begin(kSeed, batch.number() + 1, both.key.secret().id(), half), Error);
  EXPECT_FALSE(BatchHalf::read(path, *both.program, kSeed, batch.number() + 1).ok());
  EXPECT_FALSE(BatchHalf::read(path, *both.program, Digest{}, batch.number()).ok());
  Batches other(random_network(11, 8, 3, 7));
  EXPECT_FALSE(BatchHalf::read(path, *other.program, kSeed, batch.number()).ok()) << "another model";
  Bytes bytes = read_file(path).value();
  bytes.back() ^= 1;
  write_file(path, bytes).value();
  EXPECT_FALSE(BatchHalf::read(path, *both.program, kSeed, batch.number()).ok()) << "damaged";
  bytes.pop_back();
  write_file(path, bytes).value();
  EXPECT_FALSE(BatchHalf::read(path, *both.program, kSeed, batch.number()).ok()) << "truncated";
}

TEST(BatchRunner, RefusesRowsThatDoNotBelong) {
  Batches both(random_network(4, 4, 2, 8));
  const Matrix rows = uniform_rows(3, 4, 4);
  const EncryptedBatch batch = both.encrypted(rows);
  const EncryptedBatch next = both.encrypted(rows);
  both.runner.begin(kSeed, batch.number(), both.key.secret().id());
  EXPECT_THROW(both.runner.run(*both.keys), Error) << "no rows yet";
  EXPECT_FALSE(both.runner.take_row(both.row(batch, 1)).ok()) << "out of order";
  EXPECT_FALSE(both.runner.take_row(both.row(next, 0)).ok()) << "of another batch";
  BatchKey stranger(both.program->params(), kSeed);
  const EncryptedBatch theirs =
      stranger.encrypt(features_by_sample(rows), both.plan.input_scale, both.plan.top_limbs());
  EXPECT_FALSE(both.runner
                   .take_row(write_batch_row(*both.program->params(), stranger.secret().id(), theirs.place(0),
                                             theirs.row(0)))
                   .ok())
      << "under another key";
  Bytes damaged = both.row(batch, 0);
  damaged[300] ^= 1;
  EXPECT_FALSE(both.runner.take_row(damaged).ok());
  EXPECT_EQ(both.runner.rows_taken(), 0u);
  // Nothing of that is left: the batch goes on.
  for (size_t i = 0; i < 4; ++i) both.runner.take_row(both.row(batch, i)).value();
  EXPECT_FALSE(both.runner.take_row(both.row(batch, 3)).ok()) << "more rows than there are";
  both.runner.run(*both.keys);
  EXPECT_LE(largest_difference(both.answers(3), forward(both.folded, rows)), both.plan.predicted_error);
  EXPECT_THROW(both.runner.answer_rows(1, 2, *both.keys), Error);
  EXPECT_THROW(both.runner.run(*both.keys), Error) << "twice";
}

TEST(BatchKeys, NameWhatIsMissingAndRefuseTwoSecrets) {
  Batches both(random_network(4, 4, 2, 8));
  const PublicKey public_key = make_public_key(both.key.secret());
  const auto none = BatchKeys::create(both.plan, make_evaluation_keys(both.key.secret(), {}), public_key);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::missing_key);
  BatchKey other(both.program->params(), kSeed);
  const auto mixed = BatchKeys::create(
      both.plan, make_evaluation_keys(other.secret(), required_keys(both.plan)), public_key);
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().code(), ErrorCode::parameter_mismatch);
}

}  // namespace
}  // namespace cryptotl
