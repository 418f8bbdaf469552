#include "cryptotl/plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "plan/random_network.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

const Polynomial kQuadratic{{0.3, 0.5, 0.1}};

Result<LatencyPlan> planned(const FoldedNetwork& network, double precision) {
  const Calibration calibration = calibrate(network, uniform_rows(20, network.input_width(), 2));
  return plan_latency(network, calibration, {precision, false});
}

TEST(PlannerTest, KeepsEveryPrecisionThatCanBeAskedFor) {
  const FoldedNetwork network = random_network(64, 48, 20, 1);
  double before = 0;
  for (double precision = 1e-2; precision >= 0.9e-11; precision /= 10) {
    const auto plan = planned(network, std::max(precision, kFinestPrecision));
    ASSERT_TRUE(plan.ok()) << precision << " " << plan.error().what();
    EXPECT_LE(plan->predicted_error, precision * (1 + 1e-12));
    EXPECT_GE(plan->predicted_error_public, plan->predicted_error);
    EXPECT_TRUE(Params::create(plan->params).ok());
    const double time = cost_of(*plan).milliseconds;
    EXPECT_GE(time, before);  // more precision never costs less
    before = time;
  }
}

TEST(PlannerTest, ThePresetsAreThePlansOfThePaper) {
  const FoldedNetwork network = random_network(768, 768, 766, 1);
  const LatencyPlan fast = planned(network, preset_precision("fast").value()).value();
  EXPECT_EQ(fast.params.log_n, 13u);
  EXPECT_EQ(fast.top_limbs(), 5u);
  const LatencyPlan accurate = planned(network, preset_precision("accurate").value()).value();
  EXPECT_EQ(accurate.params.log_n, 14u);
  EXPECT_EQ(accurate.packing.shift, 48u);
  EXPECT_EQ(accurate.packing.output_window, 64u);
  EXPECT_LE(cost_of(accurate).key_bytes, 100'000'000u);
  EXPECT_LE(accurate.predicted_error, 1e-10);
}

double total(const std::vector<NoiseTerm>& terms) {
  double sum = 0;
  for (const NoiseTerm& term : terms) sum += term.deviation * term.deviation;
  return std::sqrt(sum);
}

TEST(PlannerTest, AnAnswerIsAsSmallAsAQuarterOfTheOtherErrorsAllows) {
  for (const double precision : {1e-2, 1e-4, 1e-7, 1e-10}) {
    LatencyPlan plan = planned(random_network(64, 48, 20, 1), precision).value();
    const std::vector<NoiseTerm> others(plan.noise.begin(), plan.noise.end() - 1);
    const NoiseTerm rounding = plan.noise.back();
    EXPECT_EQ(rounding.name, "rounding of the answer");
    EXPECT_LE(rounding.deviation, total(others) / 4 * (1 + 1e-12)) << precision;
    EXPECT_GT(rounding.deviation, total(others) / 32) << precision;
    EXPECT_NEAR(plan.predicted_error, 8 * total(plan.noise), 1e-9 * plan.predicted_error);
    EXPECT_LE(cost_of(plan).response_bytes, 70'000u * (plan.params.log_n == 13 ? 1 : 4));
    // A spare bit more, and an answer might wrap around.
    EXPECT_TRUE(LatencyPlan::from_json(plan.to_json()).ok());
    ++plan.answer_spare_bits;
    EXPECT_FALSE(LatencyPlan::from_json(plan.to_json()).ok());
  }
}

TEST(PlannerTest, TheRoundingOfAnAnswerNeverBreaksThePrecisionThatIsAskedFor) {
  const FoldedNetwork network = random_network(64, 48, 20, 1);
  const LatencyPlan usual = planned(network, 1e-4).value();
  // But the rounding and the flood, which takes what room there is.
  const std::vector<NoiseTerm> others(usual.noise.begin(), usual.noise.end() - 2);
  // Between what the program costs alone and what it costs with the usual rounding.
  const double tight = 8 * total(others) * 1.001;
  ASSERT_LT(tight, usual.predicted_error);
  const LatencyPlan plan = planned(network, tight).value();
  EXPECT_EQ(plan.params, usual.params);
  EXPECT_LE(plan.predicted_error, tight);
  EXPECT_GT(cost_of(plan).response_bytes, cost_of(usual).response_bytes);
}

TEST(PlannerTest, NamesThePresetsWhereAnotherIsAskedFor) {
  EXPECT_THAT(preset_precision("best").error().what(),
              testing::AllOf(HasSubstr("'best'"), HasSubstr("fast"), HasSubstr("accurate")));
}

TEST(PlannerTest, RefusesPrecisionsOutOfBoundsAndNamesThem) {
  const FoldedNetwork network = random_network(8, 8, 8, 1);
  for (const double precision : {0.0, -1.0, 1e-12, 0.5, std::nan("")}) {
    const auto plan = planned(network, precision);
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.error().code(), ErrorCode::invalid_argument);
    EXPECT_THAT(plan.error().what(), testing::AllOf(HasSubstr("1e-11"), HasSubstr("0.01")));
  }
}

TEST(PlannerTest, SaysWhichPrecisionCanBeHadWhereTheAskedOneCannot) {
  // Eight hidden layers take more levels at this precision than N = 32768 has.
  const FoldedNetwork network = random_network({8, 8, 8, 8, 8, 8, 8, 8, 8}, kQuadratic, 1);
  const auto refused = planned(network, 1e-11);
  ASSERT_FALSE(refused.ok());
  const std::string message = refused.error().what();
  const std::string before = "the least is ";
  ASSERT_THAT(message, HasSubstr(before));
  const double least = std::stod(message.substr(message.find(before) + before.size()));
  EXPECT_GT(least, 1e-11);
  EXPECT_TRUE(planned(network, least * 1.01).ok()) << least;
}

TEST(PlannerTest, RefusesNetworksOfMoreLevelsThanThereAre) {
  const FoldedNetwork network = random_network(std::vector<size_t>(16, 4), kPaperCubic, 1);
  const auto plan = planned(network, 1e-2);
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().what(), HasSubstr("N = 32768"));
}

TEST(PlannerTest, RefusesACalibrationOfAnotherNetwork) {
  const FoldedNetwork cubic = random_network(8, 8, 8, 1);
  const FoldedNetwork quadratic = random_network({8, 8, 8}, kQuadratic, 1);
  const auto plan = plan_latency(cubic, calibrate(quadratic, uniform_rows(5, 8, 2)));
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().what(), HasSubstr("not of this network"));
}

TEST(PlannerTest, AQuadraticTakesALevelLess) {
  const LatencyPlan cubic = planned(random_network(768, 768, 766, 1), 1e-4).value();
  const LatencyPlan quadratic = planned(random_network({768, 768, 766}, kQuadratic, 1), 1e-4).value();
  EXPECT_EQ(quadratic.top_limbs() + 1, cubic.top_limbs());
  EXPECT_LT(cost_of(quadratic).milliseconds, cost_of(cubic).milliseconds);
}

size_t giant_steps(const LatencyPlan& plan) {
  size_t sum = 0;
  for (size_t i = 0; i < plan.matrices.size(); ++i)
    sum += (plan.packing.diagonals(i) + plan.matrices[i].baby_steps - 1) / plan.matrices[i].baby_steps - 1;
  return sum;
}

size_t baby_steps(const LatencyPlan& plan) {
  size_t sum = 0;
  for (const MatrixPlan& matrix : plan.matrices) sum += matrix.baby_steps;
  return sum;
}

/// The paper's shape planned for a machine on which some kernels are slower or faster by a factor.
class SpeedsTest : public testing::Test {
 protected:
  LatencyPlan planned_where(double KernelSpeeds::*kernel, double factor, double precision = kFastPrecision) {
    PlanOptions options{precision};
    options.speeds.*kernel *= factor;
    return plan_latency(network_, calibration_, options).value();
  }

  FoldedNetwork network_ = random_network(768, 768, 766, 1);
  Calibration calibration_ = calibrate(network_, uniform_rows(20, 768, 2));
  LatencyPlan usual_ = plan_latency(network_, calibration_).value();
};

TEST_F(SpeedsTest, SlowTransformsMakeFewerGiantStepsAndFastOnesMore) {
  EXPECT_LT(giant_steps(planned_where(&KernelSpeeds::transform, 4)), giant_steps(usual_));
  EXPECT_GT(giant_steps(planned_where(&KernelSpeeds::transform, 0.25)), giant_steps(usual_));
  EXPECT_LT(giant_steps(planned_where(&KernelSpeeds::cached_key, 10)), giant_steps(usual_));
}

TEST_F(SpeedsTest, SlowMemoryMakesFewerBabyStepsAndFastMemoryMore) {
  EXPECT_LT(baby_steps(planned_where(&KernelSpeeds::streamed_key, 4)), baby_steps(usual_));
  EXPECT_GT(baby_steps(planned_where(&KernelSpeeds::streamed_key, 0.1)), baby_steps(usual_));
}

TEST_F(SpeedsTest, TheNumberOfSpecialPrimesIsWeighed) {
  // More of them mean fewer digits, but longer diagonals; what the guideline leaves room for counts too.
  EXPECT_EQ(usual_.params.special_primes.size(), 2u);
  EXPECT_EQ(planned_where(&KernelSpeeds::diagonal, 10).params.special_primes.size(), 1u);
  EXPECT_EQ(planned_where(&KernelSpeeds::transform, 1, kAccuratePrecision).params.special_primes.size(), 3u);
  LatencyPlan other = usual_;
  other.params.special_primes.pop_back();
  EXPECT_LT(pass_milliseconds(usual_, KernelSpeeds::reference()),
            pass_milliseconds(other, KernelSpeeds::reference()));
}

TEST_F(SpeedsTest, TheSpecialPrimesAreTheLargestOfAll) {
  for (const double precision : {kFastPrecision, kAccuratePrecision}) {
    const LatencyPlan plan = planned_where(&KernelSpeeds::transform, 1, precision);
    std::vector<uint32_t> all = plan.params.special_primes;
    all.insert(all.end(), plan.params.primes.begin(), plan.params.primes.end());
    EXPECT_EQ(all, ntt_primes(1u << 30, uint32_t{2} << plan.params.log_n, all.size()));
    EXPECT_TRUE(Params::create(plan.params).ok());
  }
}

TEST_F(SpeedsTest, TheSplitIsTheCheapestForEachMatrixWhateverTheSpeeds) {
  const KernelSpeeds reference = KernelSpeeds::reference();
  for (const auto kernel : {&KernelSpeeds::transform, &KernelSpeeds::streamed_key, &KernelSpeeds::cached_key,
                            &KernelSpeeds::diagonal, &KernelSpeeds::pass}) {
    for (const double factor : {0.1, 1.0, 10.0}) {
      KernelSpeeds speeds = reference;
      speeds.*kernel *= factor;
      const LatencyPlan plan = planned_where(kernel, factor);
      EXPECT_TRUE(LatencyPlan::from_json(plan.to_json()).ok());
      for (size_t i = 0; i < plan.matrices.size(); ++i) {
        // A larger split takes more keys, which are worth time too: only smaller ones must not be faster.
        LatencyPlan other = plan;
        for (size_t steps = 1; steps < plan.matrices[i].baby_steps; ++steps) {
          if (!valid_baby_steps(steps, plan.packing.diagonals(i))) continue;
          other.matrices[i].baby_steps = steps;
          EXPECT_GT(pass_milliseconds(other, speeds), pass_milliseconds(plan, speeds))
              << factor << " " << steps;
        }
      }
    }
  }
}

TEST_F(SpeedsTest, ThePresetsKeysStayAsSmallAsPromised) {
  EXPECT_LE(cost_of(usual_).key_bytes, 16'000'000u);
  EXPECT_LE(cost_of(planned_where(&KernelSpeeds::transform, 1, kAccuratePrecision)).key_bytes, 100'000'000u);
}

}  // namespace
}  // namespace cryptotl
