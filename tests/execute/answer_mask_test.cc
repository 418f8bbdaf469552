// What is added to an answer so that its noise hides how it came about.
#include "execute/answer_mask.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cryptotl/ckks/noise.h"
#include "execute/encrypted_network.h"

namespace cryptotl {
namespace {

struct Masked : testing::Test {
  static constexpr size_t kInputs = 40;
  static constexpr size_t kOutputs = 700;

  FoldedNetwork network = random_network(kInputs, 60, kOutputs, 1);
  Calibration calibration = calibrate(network, uniform_rows(50, kInputs, 2));
  Matrix rows = uniform_rows(4, kInputs, 3);

  EncryptedNetwork served(const PlanOptions& options = {}, bool trusting = false) const {
    return {network, calibration, plan_latency(network, calibration, options).value(), 1, trusting};
  }
  /// Errors of all outputs to all rows, each in deviations of `unit`.
  std::vector<double> errors(EncryptedNetwork& both, double unit) const {
    std::vector<double> out;
    for (size_t i = 0; i < rows.rows; ++i) {
      const auto expected = forward(network, rows.row(i));
      const auto got = both.decrypted(both.runner.run(both.encrypted(rows.row(i)), *both.keys));
      for (size_t r = 0; r < kOutputs; ++r) out.push_back((got[r] - expected[r]) / unit);
    }
    return out;
  }
};

double mean_square(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum / static_cast<double>(values.size());
}

double standard_error(size_t count) { return std::sqrt(2 / static_cast<double>(count)); }

TEST_F(Masked, RefusesNoiseThatCannotBe) {
  for (const double noise : {-1.0, std::nan(""), 1e9}) {
    const auto plan = plan_latency(network, calibration, {.output_noise = noise});
    ASSERT_FALSE(plan.ok()) << noise;
    EXPECT_EQ(plan.error().code(), ErrorCode::invalid_argument);
  }
}

TEST_F(Masked, RefusesKeysOfTwoSecrets) {
  EncryptedNetwork both = served();
  const auto keys =
      LatencyKeys::create(both.plan, make_evaluation_keys(both.secret, required_keys(both.plan)),
                          make_public_key(SecretKey::generate(both.program->params())));
  ASSERT_FALSE(keys.ok());
  EXPECT_EQ(keys.error().code(), ErrorCode::parameter_mismatch);
}

TEST_F(Masked, AnswersToOneInputAreTheSameFromOneProgramAndOthersFromAnother) {
  EncryptedNetwork both = served();
  const Ciphertext input = both.encrypted(rows.row(0));
  const SwitchedCiphertext first = both.runner.run(input, *both.keys);
  const SwitchedCiphertext again = both.runner.run(input, *both.keys);
  EXPECT_TRUE(first.c0 == again.c0 && first.c1 == again.c1);
  // As after a restart of the server: both parts are new, the outputs are not.
  LatencyRunner other(std::make_shared<LatencyProgram>(network, calibration, both.plan), 1);
  const SwitchedCiphertext anew = other.run(input, *both.keys);
  size_t equal = 0;
  for (size_t j = 0; j < first.c1.size(); ++j) equal += first.c1[j] == anew.c1[j] ? 1 : 0;
  EXPECT_LT(equal, 10u);  // of N, uniform modulo 2^k: about N / 2^k
  const auto a = both.decrypted(first);
  const auto b = both.decrypted(anew);
  EXPECT_NE(a, b);
  for (size_t r = 0; r < kOutputs; ++r) EXPECT_NEAR(a[r], b[r], 2 * both.plan.predicted_error);
}

TEST_F(Masked, TheSameRowEncryptedAnewGetsAnotherMask) {
  EncryptedNetwork both = served();
  EXPECT_NE(both.decrypted(both.runner.run(both.encrypted(rows.row(0)), *both.keys)),
            both.decrypted(both.runner.run(both.encrypted(rows.row(0)), *both.keys)));
}

TEST_F(Masked, ATrustingProgramAddsNothing) {
  EncryptedNetwork both = served({}, true);
  const Ciphertext input = both.encrypted(rows.row(0));
  const SwitchedCiphertext first = both.runner.run(input, *both.keys);
  LatencyRunner other(std::make_shared<LatencyProgram>(network, calibration, both.plan, true), 1);
  const SwitchedCiphertext second = other.run(input, *both.keys);
  EXPECT_TRUE(first.c0 == second.c0 && first.c1 == second.c1);
}

TEST_F(Masked, TheFloodLeavesErrorsBelowHalfOfThePrecisionAndHasItsDeviation) {
  for (const double precision : {1e-2, 1e-4}) {
    EncryptedNetwork both = served({precision});
    EXPECT_GT(both.plan.flood_deviation, both.plan.evaluation_deviation);
    EXPECT_LE(5.5 * both.plan.predicted_error / 8, precision / 2);
    EXPECT_GE(both.plan.predicted_error, 0.7 * precision);
    // The predicted deviation is that of the worst output, of which flood and rounding are the larger part.
    const double all = both.plan.predicted_error / 8;
    const double least = std::hypot(both.plan.flood_deviation, both.plan.noise.back().deviation) / all;
    const std::vector<double> strays = errors(both, all);
    EXPECT_LE(mean_square(strays), 1 + 6 * standard_error(strays.size()));
    EXPECT_GE(mean_square(strays), least * least * (1 - 6 * standard_error(strays.size())));
    EXPECT_GT(least, 0.5);
  }
}

TEST_F(Masked, WhereThePrecisionLeavesNoRoomThereIsNoFlood) {
  const LatencyPlan usual = plan_latency(network, calibration).value();
  double others = 0;
  for (size_t i = 0; i + 2 < usual.noise.size(); ++i) others = std::hypot(others, usual.noise[i].deviation);
  const LatencyPlan tight = plan_latency(network, calibration, {8.001 * others}).value();
  EXPECT_EQ(tight.params, usual.params);
  EXPECT_EQ(tight.flood_deviation, 0);
}

TEST_F(Masked, NoiseThatWasAskedForIsInEveryOutputWithItsDeviationAndIndependent) {
  constexpr double kNoise = 0.01;
  EncryptedNetwork both = served({.output_noise = kNoise});
  EXPECT_GE(both.plan.predicted_error, 8 * kNoise);
  EXPECT_LE(both.plan.predicted_error, 8 * kNoise + kFastPrecision);
  const std::vector<double> strays = errors(both, kNoise);
  EXPECT_NEAR(mean_square(strays), 1, 6 * standard_error(strays.size()));
  // Real and imaginary parts of a slot, neighbouring slots, and answers to two inputs.
  for (const size_t apart : {size_t{1}, kOutputs / 2, kOutputs}) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i + apart < strays.size(); ++i, ++count) sum += strays[i] * strays[i + apart];
    EXPECT_LT(std::abs(sum), 6 * std::sqrt(static_cast<double>(count))) << apart;
  }
}

TEST_F(Masked, NoiseThatWasAskedForStaysWhereTheProgramIsTrusting) {
  constexpr double kNoise = 0.01;
  EncryptedNetwork both = served({.output_noise = kNoise}, true);
  const std::vector<double> strays = errors(both, kNoise);
  EXPECT_NEAR(mean_square(strays), 1, 6 * standard_error(strays.size()));
}

// The slots beside the outputs hold partial sums; were they bare, each query would tell far more than its
// outputs.
TEST_F(Masked, OtherSlotsCarryRandomNumbersUpToTheirLimit) {
  EncryptedNetwork both = served();
  const Ciphertext input = both.encrypted(rows.row(0));
  LatencyRunner other(std::make_shared<LatencyProgram>(network, calibration, both.plan), 1);
  const auto slots = [&](LatencyRunner& runner) {
    const SwitchedCiphertext answer = runner.run(input, *both.keys);
    return both.encoder.decode(decrypt(both.secret, answer), answer.scale);
  };
  const auto a = slots(both.runner), b = slots(other);
  std::vector<double> differences;
  for (size_t t = both.plan.packing.half_outputs(); t < a.size(); ++t) {
    differences.push_back(a[t].real() - b[t].real());
    differences.push_back(a[t].imag() - b[t].imag());
  }
  // Of two uniform numbers: variance 2/3, and fourth moment 16/15 of the limit's power.
  const double limit = both.plan.random_limit;
  for (double& difference : differences) difference /= limit;
  EXPECT_NEAR(mean_square(differences), 2.0 / 3,
              6 * std::sqrt((16.0 / 15 - 4.0 / 9) / static_cast<double>(differences.size())));
}

}  // namespace
}  // namespace cryptotl
