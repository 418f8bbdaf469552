#include "cryptotl/ckks/gaussian.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "ckks/statistics.h"
#include "ckks/test_params.h"
#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

constexpr size_t kDraws = 1'000'000;

std::vector<WideInteger> drawn(double deviation, size_t count = kDraws) {
  std::vector<WideInteger> out(count);
  sample_gaussian(deviation, out);
  return out;
}

/// P(Gaussian of deviation 1 < x).
double below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

TEST(SampleGaussian, RefusesDeviationsOutOfBounds) {
  std::vector<WideInteger> room(4);
  for (const double deviation :
       {-1.0, 0x1p123, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(sample_gaussian(deviation, room), Error) << deviation;
  }
}

TEST(SampleGaussian, IsZeroForNoDeviation) {
  for (const WideInteger value : drawn(0, 1001)) EXPECT_TRUE(value == 0);
}

TEST(SampleGaussian, FillsEveryLengthAndNoMore) {
  for (const size_t count : {0u, 1u, 2u, 511u, 512u, 513u}) {
    std::vector<WideInteger> room(count + 2, WideInteger{77});
    sample_gaussian(0x1p90, std::span(room).subspan(1, count));
    EXPECT_TRUE(room.front() == 77 && room.back() == 77) << count;
    for (size_t i = 1; i <= count; ++i) EXPECT_TRUE(room[i] != 77) << count;
  }
}

TEST(SampleGaussian, HasTheProbabilitiesOfARoundedGaussian) {
  constexpr double kDeviation = 3.7;
  constexpr int kTail = 15;
  std::vector<double> counts(2 * kTail + 1), expected(2 * kTail + 1);
  for (const WideInteger value : drawn(kDeviation)) {
    const int cell = std::clamp(static_cast<int>(value), -kTail, kTail);
    ++counts[static_cast<size_t>(cell + kTail)];
  }
  for (int k = -kTail; k <= kTail; ++k) {
    const double low = k == -kTail ? 0 : below((k - 0.5) / kDeviation);
    const double high = k == kTail ? 1 : below((k + 0.5) / kDeviation);
    expected[static_cast<size_t>(k + kTail)] = static_cast<double>(kDraws) * (high - low);
  }
  EXPECT_LT(chi_square(counts, expected), chi_square_limit(counts.size()));
}

class WideGaussianTest : public testing::TestWithParam<int> {};

// Directly, and with one to three grids.
TEST_P(WideGaussianTest, HasTheDeviationAndTheShapeThatWereAskedFor) {
  const double deviation = std::exp2(GetParam());
  constexpr size_t kCells = 16;
  std::array<double, kCells> counts = {}, expected = {};
  expected.fill(static_cast<double>(kDraws) / kCells);
  double squares = 0;
  for (const WideInteger value : drawn(deviation)) {
    const double scaled = static_cast<double>(value) / deviation;
    squares += scaled * scaled;
    ++counts[std::min(kCells - 1, static_cast<size_t>(below(scaled) * kCells))];
  }
  EXPECT_NEAR(squares / kDraws, 1, 6 * std::sqrt(2.0 / kDraws));
  EXPECT_LT(chi_square(counts, expected), chi_square_limit(kCells));
}

// The lowest bits are what hides those of whatever it is added to.
TEST_P(WideGaussianTest, HasUniformLowestBits) {
  for (const int bit : {0, 20, 30}) {
    std::array<double, 64> counts = {}, expected = {};
    expected.fill(static_cast<double>(kDraws) / 64);
    for (const WideInteger value : drawn(std::exp2(GetParam())))
      ++counts[static_cast<size_t>(value >> bit & 63)];
    EXPECT_LT(chi_square(counts, expected), chi_square_limit(64)) << bit;
  }
}

INSTANTIATE_TEST_SUITE_P(Log2, WideGaussianTest, testing::Values(39, 41, 71, 73, 105, 119));

TEST(SampleGaussian, ComesAgainFromOneStreamAlone) {
  const Seed seed = random_seed();
  const auto from = [&](std::string_view label) {
    Xof stream(seed, Label(label).view());
    std::vector<WideInteger> out(1000);
    sample_gaussian_from(stream, 0x1p50, out);
    return out;
  };
  EXPECT_TRUE(from("a") == from("a"));
  EXPECT_FALSE(from("a") == from("b"));
  EXPECT_FALSE(drawn(0x1p50, 1000) == drawn(0x1p50, 1000));
}

std::vector<double> normals(Xof& stream, size_t count) {
  std::vector<double> out(count);
  sample_normal_from(stream, out);
  return out;
}

std::vector<double> normals(size_t count) {
  Xof stream(random_seed(), Label("normals").view());
  return normals(stream, count);
}

/// How many lie between neighbouring limits, and below the first and above the last.
void expect_probabilities(const std::vector<double>& values, const std::vector<double>& limits) {
  std::vector<double> counts(limits.size() + 1), expected(limits.size() + 1);
  for (const double value : values)
    ++counts[static_cast<size_t>(std::ranges::upper_bound(limits, value) - limits.begin())];
  for (size_t i = 0; i < counts.size(); ++i) {
    const double high = i < limits.size() ? below(limits[i]) : 1;
    expected[i] = static_cast<double>(values.size()) * (high - (i > 0 ? below(limits[i - 1]) : 0));
  }
  EXPECT_LT(chi_square(counts, expected), chi_square_limit(counts.size()));
}

// Through layers, their rims and the tail, which begins at 3.65 and holds 1 of 3,900.
TEST(SampleNormal, HasTheProbabilitiesOfAGaussian) {
  const std::vector<double> values = normals(8 * kDraws);
  std::vector<double> limits;
  for (int i = -450; i <= 450; ++i) limits.push_back(i * 0.01);
  expect_probabilities(values, limits);
  expect_probabilities(values, {-4.6, -4.2, -3.9, -3.7, -3.6, -3.5, 3.5, 3.6, 3.7, 3.9, 4.2, 4.6});
}

TEST(SampleNormal, HasTheDeviationOneAndNoMemory) {
  const std::vector<double> values = normals(8 * kDraws);
  double sum = 0, squares = 0, products = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    squares += values[i] * values[i];
    products += values[i] * values[(i + 1) % values.size()];
  }
  const double root = std::sqrt(static_cast<double>(values.size()));
  EXPECT_LT(std::abs(sum), 6 * root);
  EXPECT_NEAR(squares / static_cast<double>(values.size()), 1, 6 * std::numbers::sqrt2 / root);
  EXPECT_LT(std::abs(products), 6 * root);
}

TEST(SampleNormal, ComesAgainFromOneStreamAloneAndFillsNoMoreThanIsAsked) {
  const Seed seed = random_seed();
  const auto from = [&](std::string_view label) {
    Xof stream(seed, Label(label).view());
    return normals(stream, 1000);
  };
  EXPECT_EQ(from("a"), from("a"));
  EXPECT_NE(from("a"), from("b"));
  for (const size_t count : {0u, 1u, 511u, 513u}) {
    std::vector<double> room(count + 2, 77);
    Xof stream(seed, Label("a").view());
    sample_normal_from(stream, std::span(room).subspan(1, count));
    EXPECT_TRUE(room.front() == 77 && room.back() == 77) << count;
    EXPECT_EQ(std::ranges::count(room, 77), 2) << count;
  }
}

}  // namespace
}  // namespace cryptotl
