#include "cryptotl/plan/circuit_privacy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "cryptotl/plan/planner.h"
#include "plan/random_network.h"

namespace cryptotl {
namespace {

double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

/// The integral of f over the line, by the trapezoid rule, which converges geometrically for such functions.
template <typename Function>
double integral(const Function& f) {
  constexpr double kStep = 1e-3;
  double sum = 0;
  for (double x = -20; x <= 20; x += kStep) sum += f(x);
  return sum * kStep;
}

TEST(CircuitPrivacy, StatisticalDistanceIsThatOfTwoGaussians) {
  for (const double shift : {0.01, 0.5, 1.0, 3.0}) {
    const double distance = integral([&](double x) { return std::abs(density(x) - density(x - shift)) / 2; });
    EXPECT_NEAR(statistical_distance(shift, 1), distance, 1e-6) << shift;
    EXPECT_NEAR(statistical_bits(shift, 1), -std::log2(distance), 1e-3) << shift;
  }
}

TEST(CircuitPrivacy, RenyiDivergenceIsThatOfTwoGaussians) {
  for (const double alpha : {2.0, 5.0}) {
    constexpr double kShift = 0.7;
    const double sum =
        integral([&](double x) { return std::pow(density(x - kShift) / density(x), alpha) * density(x); });
    EXPECT_NEAR(renyi_divergence(kShift, 1, alpha), std::log(sum) / (alpha - 1), 1e-6);
  }
}

// Two answers are a Gaussian in the plane, moved by sqrt(2) as much.
TEST(CircuitPrivacy, AnswersAddUpAsTheirSquares) {
  EXPECT_DOUBLE_EQ(statistical_distance(0.1, 2), statistical_distance(0.1 * std::sqrt(2.0), 1));
  EXPECT_DOUBLE_EQ(renyi_divergence(0.1, 7, 3), 7 * renyi_divergence(0.1, 1, 3));
}

TEST(CircuitPrivacy, TheShiftForAGoalReachesItAndNoLargerOneDoes) {
  for (const double bits : {1.0, 20.0, 40.0, 64.0}) {
    for (const double answers : {1.0, 1024.0, 1e9}) {
      const double shift = shift_for({bits, answers});
      EXPECT_GE(statistical_bits(shift, answers), bits - 1e-9);
      if (bits > 1) {
        EXPECT_LT(statistical_bits(shift * 1.01, answers), bits);
      }
    }
  }
}

TEST(CircuitPrivacy, SaysInWordsHowLittleTheUsualNoiseHides) {
  const FoldedNetwork network = random_network(20, 16, 5, 1);
  const Calibration calibration = calibrate(network, uniform_rows(50, 20, 2));
  const LatencyPlan plan = plan_latency(network, calibration).value();
  EXPECT_THAT(describe_privacy(plan), testing::HasSubstr("hides nothing from statistics"));
  LatencyPlan bare = plan;
  bare.flood_deviation = 0;
  EXPECT_TRUE(std::isinf(privacy_shift(bare)));
  EXPECT_THAT(describe_privacy(bare), testing::HasSubstr("no Gaussian noise"));
}

TEST(CircuitPrivacy, PlansCarryTheirNoiseThroughJson) {
  const FoldedNetwork network = random_network(20, 16, 5, 1);
  const Calibration calibration = calibrate(network, uniform_rows(50, 20, 2));
  const LatencyPlan plan = plan_latency(network, calibration, {.output_noise = 0.5}).value();
  const LatencyPlan read = LatencyPlan::from_json(plan.to_json()).value();
  EXPECT_EQ(read.random_limit, plan.random_limit);
  EXPECT_EQ(read.evaluation_deviation, plan.evaluation_deviation);
  EXPECT_EQ(read.flood_deviation, plan.flood_deviation);
  EXPECT_EQ(read.output_noise, 0.5);
  for (const char* const member :
       {"random_limit", "evaluation_deviation", "flood_deviation", "output_noise"}) {
    for (const double wrong : {-1.0, 1e300}) {
      auto json = plan.to_json();
      json[member] = wrong;
      EXPECT_FALSE(LatencyPlan::from_json(json).ok()) << member << " " << wrong;
    }
  }
}

}  // namespace
}  // namespace cryptotl
