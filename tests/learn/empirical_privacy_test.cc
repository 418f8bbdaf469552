#include "cryptotl/learn/empirical_privacy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

constexpr double kConfidence = 0.99;

TEST(EmpiricalPrivacy, RefusesCountsThatDoNotFit) {
  EXPECT_THROW(static_cast<void>(clopper_pearson(1, 0, kConfidence)), Error);
  EXPECT_THROW(static_cast<void>(clopper_pearson(3, 2, kConfidence)), Error);
  EXPECT_THROW(static_cast<void>(clopper_pearson(1, 2, 1)), Error);
  EXPECT_THROW(static_cast<void>(one_run_epsilon({10, 11, 5}, 0, kConfidence)), Error);
  EXPECT_THROW(static_cast<void>(one_run_epsilon({10, 5, 6}, 0, kConfidence)), Error);
  EXPECT_THROW(static_cast<void>(one_run_epsilon({10, 5, 5}, 1, kConfidence)), Error);
  EXPECT_THROW(static_cast<void>(one_run_epsilon({10, 5, 5}, 0, 0)), Error);
}

// No hit among n has a probability of (1 - p)^n, which is 1/200 at the upper bound.
TEST(EmpiricalPrivacy, BoundsOnAProportionAreThoseOfTheFormulaWhereThereIsOne) {
  for (const size_t trials : {1u, 7u, 300u}) {
    const double high = 1 - std::pow(0.005, 1 / static_cast<double>(trials));
    EXPECT_NEAR(clopper_pearson(0, trials, kConfidence).high, high, 1e-8);
    EXPECT_EQ(clopper_pearson(0, trials, kConfidence).low, 0);
    EXPECT_NEAR(clopper_pearson(trials, trials, kConfidence).low, 1 - high, 1e-8);
    EXPECT_EQ(clopper_pearson(trials, trials, kConfidence).high, 1);
  }
  // From sums of Python's exact binomial coefficients, by bisection.
  EXPECT_NEAR(clopper_pearson(30, 100, kConfidence).low, 0.1890148, 1e-6);
  EXPECT_NEAR(clopper_pearson(30, 100, kConfidence).high, 0.4306136, 1e-6);
}

// With all of r guesses right, e^epsilon / (1 + e^epsilon) to the power of r is 1/100.
TEST(EmpiricalPrivacy, EpsilonOfGuessesThatAreAllRightIsTheFormulas) {
  for (const size_t guesses : {10u, 256u}) {
    const double likely = std::pow(0.01, 1 / static_cast<double>(guesses));
    EXPECT_NEAR(one_run_epsilon({512, guesses, guesses}, 0, kConfidence), std::log(likely / (1 - likely)),
                1e-5);
  }
}

TEST(EmpiricalPrivacy, GuessesAtChanceRefuteNothingAndDeltaOnlyLowersTheBound) {
  EXPECT_EQ(one_run_epsilon({512, 256, 128}, 1e-5, kConfidence), 0);
  double last = one_run_epsilon({512, 256, 230}, 0, kConfidence);
  for (const double delta : {1e-6, 1e-5, 1e-4, 1e-3}) {
    const double next = one_run_epsilon({512, 256, 230}, delta, kConfidence);
    EXPECT_LT(next, last) << delta;
    last = next;
  }
}

// Randomised response tells each coin with probability e^epsilon / (1 + e^epsilon), which is what epsilon
// allows. Of 400 audits at 99 % more than 13 fail with a probability below 0.1 %.
TEST(EmpiricalPrivacy, EpsilonOfRandomisedResponseIsBelowItsOwnAsOftenAsPromisedAndNearIt) {
  constexpr size_t kAudits = 400, kCanaries = 300;
  constexpr double kEpsilon = 2;
  std::mt19937_64 engine(1);
  std::bernoulli_distribution tells(1 / (1 + std::exp(-kEpsilon)));
  size_t above = 0;
  double sum = 0;
  for (size_t audit = 0; audit < kAudits; ++audit) {
    size_t right = 0;
    for (size_t i = 0; i < kCanaries; ++i) right += tells(engine) ? 1 : 0;
    const double bound = one_run_epsilon({kCanaries, kCanaries, right}, 0, kConfidence);
    above += bound > kEpsilon ? 1 : 0;
    sum += bound;
  }
  EXPECT_LE(binomial_upper_tail(14, kAudits, 0.01), 1e-3);
  EXPECT_LE(above, 13u);
  EXPECT_GT(sum / kAudits, 0.7 * kEpsilon);
}

}  // namespace
}  // namespace cryptotl
