#include "learn/student.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cryptotl {
namespace {

TEST(StudentQuantile, AgreesWithTheTables) {
  EXPECT_NEAR(student_quantile(0.975, 1), 12.706204736, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.302652730, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 9), 2.262157163, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 49), 2.009575237, 1e-6);
}

TEST(IntervalOf, IsTheMeanAloneForOneValue) {
  const ConfidenceInterval interval = interval_of(std::vector<double>{3});
  EXPECT_EQ(interval.low, 3);
  EXPECT_EQ(interval.high, 3);
  EXPECT_EQ(interval.deviation, 0);
}

TEST(IntervalOf, SpansTStandardErrors) {
  const ConfidenceInterval interval = interval_of(std::vector<double>{1, 2, 6});
  EXPECT_NEAR(interval.mean, 3, 1e-12);
  EXPECT_NEAR(interval.high - interval.mean, 4.302652730 * std::sqrt(7.0 / 3), 1e-6);
  EXPECT_NEAR(interval.mean - interval.low, interval.high - interval.mean, 1e-12);
}

}  // namespace
}  // namespace cryptotl
