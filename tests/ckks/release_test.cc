#include "cryptotl/ckks/release.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

TEST(Release, RefusesWhatItCannotCover) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values(3, 1.0);
  EXPECT_THROW(release({}, 1e-6), Error);
  EXPECT_THROW(release(values, 0), Error);
  EXPECT_THROW(release(values, -1e-6), Error);
  EXPECT_THROW(release(values, infinity), Error);
  EXPECT_THROW(release(values, 1e-6, {.releases = 0.5}), Error);
  EXPECT_THROW(release(values, 1e-6, {.releases = infinity}), Error);
  EXPECT_THROW(release(values, 1e-6, {.bits = 0}), Error);
  EXPECT_THROW(release(values, 1e-6, {.bits = 129}), Error);
  EXPECT_THROW(release(std::vector<double>{1e30}, 1e-9), Error);
  EXPECT_THROW(release(std::vector<double>{infinity}, 1e-9), Error);
}

TEST(Release, GrowsWithEveryThingThatItHasToCover) {
  const double once = release_deviation(1e-6, 1, {.releases = 1, .bits = 30});
  EXPECT_DOUBLE_EQ(release_deviation(2e-6, 1, {.releases = 1, .bits = 30}), 2 * once);
  EXPECT_DOUBLE_EQ(release_deviation(1e-6, 4, {.releases = 1, .bits = 30}), 2 * once);
  EXPECT_DOUBLE_EQ(release_deviation(1e-6, 1, {.releases = 4, .bits = 30}), 2 * once);
  EXPECT_DOUBLE_EQ(release_deviation(1e-6, 1, {.releases = 1, .bits = 32}), 2 * once);
}

// The divergence of two Gaussians apart by d is d^2 / (2 deviation^2); errors of two keys are rounded apart
// by at most an eighth of the error more, and all releases add up.
TEST(Release, KeepsTheDivergenceThatThePolicyStates) {
  constexpr double kError = 3e-7;
  constexpr size_t kValues = 766;
  for (const double bits : {1.0, 30.0, 80.0}) {
    const ReleasePolicy policy{.releases = 1000, .bits = bits};
    const double apart = kError * (1 + 0.125) * std::sqrt(static_cast<double>(kValues));
    const double deviation = release_deviation(kError, kValues, policy);
    EXPECT_LE(1000 * apart * apart / (2 * deviation * deviation), std::exp2(-bits - 7) * (1 + 1e-12)) << bits;
  }
}

TEST(Release, AddsNoiseOfItsDeviationOnAGridFarBelow) {
  constexpr size_t kCount = 200'000;
  constexpr double kError = 1e-8;
  const ReleasePolicy policy{.releases = 1, .bits = 20};
  const double deviation = release_deviation(kError, kCount, policy);
  const std::vector<double> values(kCount, 0.7123456789);
  const std::vector<double> released = release(values, kError, policy);
  const double grid = std::exp2(std::floor(std::log2(kError / 8)));
  double sum = 0, squares = 0;
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(std::remainder(released[i], grid), 0);
    const double noise = (released[i] - values[i]) / deviation;
    sum += noise;
    squares += noise * noise;
  }
  EXPECT_NEAR(sum / kCount, 0, 6 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1, 6 * std::sqrt(2.0 / kCount));
}

TEST(Release, GivesOtherNumbersEachTime) {
  const std::vector<double> values(8, 1.0);
  EXPECT_NE(release(values, 1e-8), release(values, 1e-8));
}

}  // namespace
}  // namespace cryptotl
