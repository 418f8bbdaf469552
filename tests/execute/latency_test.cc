#include "cryptotl/execute/latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/rns/kernels.h"
#include "execute/encrypted_network.h"

namespace cryptotl {
namespace {

ErrorCode code_of_run(EncryptedNetwork& both, const Ciphertext& input) {
  try {
    static_cast<void>(both.runner.run(input, *both.keys));
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

class SmallNetwork : public testing::Test {
 protected:
  SmallNetwork() : both_(random_network(20, 16, 5, 1), uniform_rows(50, 20, 2)) {}
  EncryptedNetwork both_;
  Matrix rows_ = uniform_rows(3, 20, 3);
};

TEST_F(SmallNetwork, RefusesAnInputAtAnotherScale) {
  Ciphertext input = both_.encrypted(rows_.row(0));
  input.scale *= 1.5;
  EXPECT_EQ(code_of_run(both_, input), ErrorCode::parameter_mismatch);
}

TEST_F(SmallNetwork, RefusesAnInputWithTooFewLimbs) {
  Ciphertext input = both_.encrypted(rows_.row(0));
  for (RnsPolynomial& part : input.parts) part.drop_to(3);
  EXPECT_EQ(code_of_run(both_, input), ErrorCode::parameter_mismatch);
}

TEST_F(SmallNetwork, RefusesAnInputUnderAnotherKey) {
  const SecretKey other = SecretKey::generate(both_.program->params());
  const auto coefficients =
      both_.encoder.encode(pack_input(both_.plan.packing, rows_.row(0)), both_.plan.input_scale);
  EXPECT_EQ(code_of_run(both_, encrypt(other, coefficients, both_.plan.input_scale, both_.plan.top_limbs())),
            ErrorCode::parameter_mismatch);
}

TEST_F(SmallNetwork, RefusesBytesThatAreNoCiphertext) {
  Bytes request = write_ciphertext(both_.encrypted(rows_.row(0)));
  request[request.size() / 2] ^= 1;
  const auto answer = both_.runner.answer(request, *both_.keys);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::malformed);
}

TEST_F(SmallNetwork, NamesTheSwitchingKeyThatIsMissing) {
  for (const KeyRequest& left_out : required_keys(both_.plan)) {
    std::vector<KeyRequest> requests = required_keys(both_.plan);
    std::erase(requests, left_out);
    const auto keys = LatencyKeys::create(both_.plan, make_evaluation_keys(both_.secret, requests),
                                          make_public_key(both_.secret));
    ASSERT_FALSE(keys.ok());
    EXPECT_EQ(keys.error().code(), ErrorCode::missing_key);
    const std::string named = left_out.galois_element == kRelinearisation
                                  ? "relinearisation"
                                  : std::to_string(left_out.galois_element);
    EXPECT_THAT(keys.error().what(), testing::HasSubstr(named));
  }
}

TEST_F(SmallNetwork, AnswersFromRequestBytesAsFromTheCiphertext) {
  const Ciphertext input = both_.encrypted(rows_.row(0));
  const auto answer = both_.runner.answer(write_ciphertext(input), *both_.keys);
  EXPECT_EQ(*answer, write_answer(both_.runner.run(input, *both_.keys)));
  EXPECT_EQ(answer->size(), cost_of(both_.plan).response_bytes);
}

TEST_F(SmallNetwork, APassLeavesNothingBehindThatTheNextOneCouldSee) {
  const Ciphertext first = both_.encrypted(rows_.row(0));
  const Bytes before = write_answer(both_.runner.run(first, *both_.keys));
  static_cast<void>(both_.runner.run(both_.encrypted(rows_.row(1)), *both_.keys));
  EXPECT_EQ(write_answer(both_.runner.run(first, *both_.keys)), before);
}

TEST_F(SmallNetwork, ThreadsChangeNoBit) {
  LatencyRunner two(both_.program, 2);
  const Ciphertext input = both_.encrypted(rows_.row(0));
  EXPECT_EQ(write_answer(two.run(input, *both_.keys)), write_answer(both_.runner.run(input, *both_.keys)));
}

TEST_F(SmallNetwork, InstructionSetsChangeNoBit) {
  const Ciphertext input = both_.encrypted(rows_.row(0));
  const std::string best(kernels().name);
  const Bytes expected = write_answer(both_.runner.run(input, *both_.keys));
  for (const KernelTable* table : available_kernels()) {
    select_kernels(table->name);
    LatencyRunner runner(both_.program, 1);
    EXPECT_EQ(write_answer(runner.run(input, *both_.keys)), expected) << table->name;
  }
  select_kernels(best);
}

TEST(LatencyTest, ThePapersNetworkThroughEncryptionGivesThePlainOutputs) {
  EncryptedNetwork both(random_network(768, 768, 766, 1), uniform_rows(100, 768, 2));
  const double error = largest_error(both, uniform_rows(10, 768, 3));
  EXPECT_LE(both.plan.predicted_error, kFastPrecision);
  EXPECT_LE(error, both.plan.predicted_error);
  EXPECT_GE(error * 8, both.plan.predicted_error);
}

TEST(LatencyTest, RoundingTheAnswerAddsThePredictedDeviation) {
  const FoldedNetwork network = random_network(64, 48, 700, 1);
  const Calibration calibration = calibrate(network, uniform_rows(50, 64, 2));
  EncryptedNetwork both(network, calibration, plan_latency(network, calibration).value(), 1, true);
  // The same pass with the finest answer, and with the plan's: their difference is the plan's rounding alone.
  LatencyPlan finest = both.plan;
  finest.answer_bits = kMaxSwitchedBits;
  finest.answer_dropped_bits = 0;
  LatencyRunner fine(std::make_shared<LatencyProgram>(both.network, both.calibration, finest, true), 1);
  const Matrix rows = uniform_rows(2, 64, 3);
  double square = 0;
  for (size_t i = 0; i < rows.rows; ++i) {
    const Ciphertext input = both.encrypted(rows.row(i));
    const auto rounded = both.decrypted(both.runner.run(input, *both.keys));
    const auto exact = both.decrypted(fine.run(input, *both.keys));
    for (size_t r = 0; r < rounded.size(); ++r) square += std::pow(rounded[r] - exact[r], 2);
  }
  // 1,400 numbers stray by 2 %.
  EXPECT_NEAR(std::sqrt(square / 1400) / both.plan.noise.back().deviation, 1, 0.15);
}

TEST(LatencyTest, EveryShapeOfWidthsUpTo1024KeepsThePredictedError) {
  const size_t shapes[][3] = {{1, 1, 1},          {2, 3, 1},       {7, 1024, 2},   {1024, 1, 3},
                              {768, 1024, 766},   {1000, 999, 33}, {513, 929, 96}, {1024, 1024, 9},
                              {1024, 1024, 1024}, {64, 64, 769}};
  for (const auto& [inputs, hidden, outputs] : shapes) {
    EncryptedNetwork both(random_network(inputs, hidden, outputs, inputs + hidden),
                          uniform_rows(50, inputs, 2));
    const double error = largest_error(both, uniform_rows(2, inputs, 3));
    EXPECT_LE(error, both.plan.predicted_error) << inputs << " " << hidden << " " << outputs;
    EXPECT_GT(error, 0.0);
  }
}

TEST(LatencyTest, AnswersThatLeaveTheCalibratedRangeAreFlagged) {
  // Calibrated on inputs near 1/2, so that rows of the full range leave it by far.
  Matrix narrow = uniform_rows(50, 20, 2);
  for (double& value : narrow.values) value = 0.5 + 1e-6 * (value - 0.5);
  FoldedNetwork network = random_network(20, 16, 5, 1);
  std::ranges::fill(network.maps.back().bias, 0.0);
  EncryptedNetwork both(network, narrow);
  Matrix wide(1, 20);
  for (double& value : wide.values) value = 40.0;
  const std::vector<double> expected = forward(both.network, wide.row(0));
  const SwitchedCiphertext answer = both.runner.run(both.encrypted(wide.row(0)), *both.keys);
  const std::vector<double> coefficients = decrypt(both.secret, answer);
  const std::vector<double> got =
      unpack_output(both.plan.packing, both.encoder.decode(coefficients, answer.scale));
  const bool beyond =
      std::ranges::any_of(got, [&](double y) { return std::abs(y) > both.plan.output_limit; });
  double worst = 0;
  for (size_t r = 0; r < got.size(); ++r) worst = std::max(worst, std::abs(got[r] - expected[r]));
  EXPECT_GT(worst, both.plan.predicted_error);  // the answer is wrong
  EXPECT_TRUE(beyond || may_have_wrapped(both.plan, coefficients));
}

}  // namespace
}  // namespace cryptotl
