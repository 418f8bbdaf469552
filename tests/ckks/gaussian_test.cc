#include "cryptotl/ckks/gaussian.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

}  // namespace
}  // namespace cryptotl
