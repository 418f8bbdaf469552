// Answers whose noise hides the network: two networks that compute the same function by other weights, told
// apart by the noise of usual answers, and not by that of answers with a goal.
#include "cryptotl/plan/circuit_privacy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/ckks/noise.h"
#include "execute/encrypted_network.h"

namespace cryptotl {
namespace {

constexpr size_t kInputs = 20;
constexpr size_t kHidden = 16;
constexpr size_t kOutputs = 8;
constexpr size_t kAnswers = 32;
constexpr double kSpread = 400;  // between the weights of two hidden units that are the same

/// The first two hidden units are the same, so that only the sum of an output's weights for them counts.
FoldedNetwork twin_network(double spread) {
  FoldedNetwork out = random_network(kInputs, kHidden, kOutputs, 1);
  Matrix& first = out.maps.front().weight;
  for (size_t k = 0; k < kInputs; ++k) first(1, k) = first(0, k);
  out.maps.front().bias[1] = out.maps.front().bias[0];
  Matrix& last = out.maps.back().weight;
  for (size_t r = 0; r < kOutputs; ++r) {
    last(r, 0) += spread;
    last(r, 1) -= spread;
  }
  return out;
}

struct Twins : testing::Test {
  FoldedNetwork near = twin_network(0);
  FoldedNetwork far = twin_network(kSpread);
  Calibration calibration = calibrate(far, uniform_rows(50, kInputs, 2));
  PlanOptions private_options = [] {
    PlanOptions out;
    out.precision = 1.0 / 256;
    out.outputs_alone = true;
    out.privacy = {.statistical_bits = 40, .answers = 1024};
    return out;
  }();

  /// Mean square error of so many answers' outputs.
  double mean_square_error(const FoldedNetwork& network, const LatencyPlan& plan, bool trusting) const {
    EncryptedNetwork both(network, calibration, plan, 1, trusting);
    const Matrix rows = uniform_rows(kAnswers, kInputs, 5);
    double sum = 0;
    for (size_t i = 0; i < rows.rows; ++i) {
      const auto expected = forward(network, rows.row(i));
      const auto got = both.decrypted(both.runner.run(both.encrypted(rows.row(i)), *both.keys));
      for (size_t r = 0; r < kOutputs; ++r) sum += std::pow(got[r] - expected[r], 2);
    }
    return sum / static_cast<double>(kAnswers * kOutputs);
  }
};

// Of 256 errors each, the ratio of mean squares strays by sqrt(4 / 256) = 12 %; spread of weights makes it
// hundreds.
constexpr double kRatioError = 0.125;

TEST_F(Twins, UsualAnswersThatTrustTellThemApart) {
  const LatencyPlan plan = plan_latency(far, calibration).value();
  const double ratio = mean_square_error(far, plan, true) / mean_square_error(near, plan, true);
  EXPECT_GT(ratio, 1 + 6 * kRatioError);
}

// What differs by a tenth in mean square shows at one error of the ratio, and by six of them certainly; the
// plan's bound allows 2^-40.
TEST_F(Twins, AnswersWithAGoalAreAlikeAndHaveTheNoiseOfTheirPlan) {
  const LatencyPlan plan = plan_latency(far, calibration, private_options).value();
  EXPECT_GE(statistical_bits(privacy_shift(plan), 1024), 40);
  const double first = mean_square_error(near, plan, false);
  const double second = mean_square_error(far, plan, false);
  EXPECT_NEAR(second / first, 1, 6 * kRatioError);
  const double noise =
      std::pow(plan.flood_deviation, 2) + std::pow(plan.noise.back().deviation, 2);  // and the rounding
  EXPECT_NEAR(first / noise, 1, 6 * kRatioError);
  EXPECT_NEAR(second / noise, 1, 6 * kRatioError);
  EXPECT_LE(plan.predicted_error, private_options.precision);
}

TEST_F(Twins, MoreBitsAndMoreAnswersTakeMoreNoiseOrMoreModulus) {
  const auto planned = [&](double bits, double answers) {
    PlanOptions options = private_options;
    options.privacy = {bits, answers};
    return plan_latency(near, calibrate(near, uniform_rows(50, kInputs, 2)), options).value();
  };
  for (const auto& [bits, answers] : {std::pair{20.0, 1.0}, {40.0, 1024.0}, {50.0, 1e6}}) {
    const LatencyPlan plan = planned(bits, answers);
    EXPECT_GE(statistical_bits(privacy_shift(plan), answers), bits - 1e-9);
    EXPECT_TRUE(LatencyPlan::from_json(plan.to_json()).ok());
    EXPECT_TRUE(plan.packing.only_outputs());
    EXPECT_LE(plan.predicted_error, private_options.precision);
  }
  EXPECT_LE(planned(20, 1).params.primes.size(), planned(50, 1e6).params.primes.size());
}

TEST_F(Twins, RefusesGoalsThatCannotBeHad) {
  PlanOptions options = private_options;
  options.outputs_alone = false;
  EXPECT_EQ(plan_latency(near, calibration, options).error().code(), ErrorCode::invalid_argument);
  options.outputs_alone = true;
  for (const PrivacyGoal goal : {PrivacyGoal{-1, 1024}, {65, 1024}, {40, 0}, {40, 1e10}, {std::nan(""), 1}}) {
    options.privacy = goal;
    EXPECT_EQ(plan_latency(near, calibration, options).error().code(), ErrorCode::invalid_argument);
  }
  options.privacy = {64, 1e9};
  options.precision = 1e-11;
  const auto refused = plan_latency(near, calibration, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace cryptotl
