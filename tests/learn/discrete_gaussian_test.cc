#include "learn/discrete_gaussian.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace cryptotl {
namespace {

Seed seed_of(uint8_t number) {
  Seed seed{};
  seed[0] = number;
  return seed;
}

constexpr double kDeviation = 1 << kLogNoiseSteps;

std::vector<double> draws(size_t count) {
  DiscreteGaussian noise(seed_of(1));
  std::vector<double> out(count);
  for (double& value : out) value = static_cast<double>(noise.draw()) / kDeviation;
  return out;
}

TEST(DiscreteGaussian, HasTheMomentsOfAGaussianOfItsDeviation) {
  constexpr size_t kDraws = 400'000;
  double moments[5] = {};
  for (const double value : draws(kDraws)) {
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(value, power) / kDraws;
  }
  // Five standard errors: of x^k it is the root of (E x^2k - (E x^k)^2) over the draws.
  const auto bound = [](double variance) { return 5 * std::sqrt(variance / kDraws); };
  EXPECT_NEAR(moments[1], 0, bound(1));
  EXPECT_NEAR(moments[2], 1, bound(2));
  EXPECT_NEAR(moments[3], 0, bound(15));
  EXPECT_NEAR(moments[4], 3, bound(96));
}

TEST(DiscreteGaussian, HasTheDistributionOfAGaussian) {
  constexpr size_t kDraws = 400'000;
  constexpr int kCells = 40;  // of a tenth each from -2 to 2, and the tails
  std::vector<double> counts(kCells + 2);
  for (const double value : draws(kDraws)) {
    const double cell = std::clamp(std::floor((value + 2) * 10), -1.0, static_cast<double>(kCells));
    counts[static_cast<size_t>(cell + 1)] += 1;
  }
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); };
  double statistic = 0;
  for (int cell = 0; cell < kCells + 2; ++cell) {
    const double low = cell == 0 ? 0 : below((cell - 1) / 10.0 - 2);
    const double high = cell == kCells + 1 ? 1 : below(cell / 10.0 - 2);
    const double expected = kDraws * (high - low);
    statistic += std::pow(counts[static_cast<size_t>(cell)] - expected, 2) / expected;
  }
  // Chi-squared with 41 degrees of freedom is beyond 95 with a probability of 3e-6.
  EXPECT_LT(statistic, 95);
}

TEST(DiscreteGaussian, LeavesNoBitOfANumberUnused) {
  DiscreteGaussian noise(seed_of(2));
  constexpr int kDraws = 20'000;
  for (int bit = 0; bit < kLogNoiseSteps - 4; ++bit) {
    int ones = 0;
    for (int i = 0; i < kDraws; ++i) ones += static_cast<int>((noise.draw() >> bit) & 1);
    EXPECT_NEAR(ones, kDraws / 2, 5 * std::sqrt(kDraws) / 2) << "bit " << bit;
  }
}

TEST(DiscreteGaussian, IsTheSameForTheSameSeedAndAnotherForAnother) {
  DiscreteGaussian one(seed_of(1)), same(seed_of(1)), other(seed_of(2));
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const int64_t value = one.draw();
    EXPECT_EQ(same.draw(), value);
    equal += other.draw() == value ? 1 : 0;
  }
  EXPECT_LT(equal, 2);
}

TEST(PoissonSampler, TakesEachRowByItselfAtItsRate) {
  constexpr size_t kRows = 50, kDraws = 20'000;
  constexpr double kRate = 0.3;
  PoissonSampler sampler(seed_of(3), kRate);
  std::vector<double> taken(kRows);
  double sizes = 0, squares = 0;
  for (size_t draw = 0; draw < kDraws; ++draw) {
    const std::vector<int64_t> rows = sampler.draw(kRows);
    for (const int64_t row : rows) taken[static_cast<size_t>(row)] += 1;
    sizes += static_cast<double>(rows.size());
    squares += std::pow(static_cast<double>(rows.size()) - kRate * kRows, 2);
  }
  const double variance = kRate * (1 - kRate);
  for (const double count : taken) EXPECT_NEAR(count / kDraws, kRate, 5 * std::sqrt(variance / kDraws));
  EXPECT_NEAR(sizes / kDraws, kRate * kRows, 5 * std::sqrt(kRows * variance / kDraws));
  // Independent rows: the size varies as a binomial number does, not less as in a shuffled minibatch.
  EXPECT_NEAR(squares / kDraws / (kRows * variance), 1, 0.06);
}

TEST(PoissonSampler, TakesAllRowsAtARateOfOneAndHardlyAnyAtATinyOne) {
  EXPECT_EQ(PoissonSampler(seed_of(1), 1).draw(10'000).size(), 10'000u);
  EXPECT_LT(PoissonSampler(seed_of(1), 1e-9).draw(10'000).size(), 2u);
  EXPECT_TRUE(PoissonSampler(seed_of(1), 0.5).draw(0).empty());
}

}  // namespace
}  // namespace cryptotl
