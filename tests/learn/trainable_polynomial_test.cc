#include "learn/trainable_polynomial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cryptotl/learn/lower_shape.h"

namespace cryptotl {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

double value_at(const Polynomial& polynomial, double u) {
  double sum = 0;
  for (size_t i = polynomial.coefficients.size(); i-- > 0;) sum = sum * u + polynomial.coefficients[i];
  return sum;
}

TEST(ChebyshevForm, IsThatOfThePowersInTables) {
  // t^3 = (3 T_1 + T_3) / 4 and t^4 = (3 T_0 + 4 T_2 + T_4) / 8.
  EXPECT_THAT(chebyshev_form({{0, 0, 0, 1}}, {-1, 1}),
              ElementsAre(0, DoubleNear(0.75, 1e-15), 0, DoubleNear(0.25, 1e-15)));
  EXPECT_THAT(chebyshev_form({{0, 0, 0, 0, 1}}, {-1, 1}),
              ElementsAre(DoubleNear(0.375, 1e-15), 0, DoubleNear(0.5, 1e-15), 0, DoubleNear(0.125, 1e-15)));
}

TEST(ChebyshevForm, GivesThePolynomialBackOnAnyRange) {
  const Polynomial seventh{{0.3, -1.2, 0.7, 0.05, -0.02, 0.004, 0.0003, -0.00002}};
  for (const PolynomialRange& range : {PolynomialRange{-4, 4}, {-7.5, 2.25}, {0.5, 3}}) {
    const std::vector<double> form = chebyshev_form(seventh, range);
    double bound = 0;
    for (const double coefficient : form) bound += std::abs(coefficient);
    for (double u = range.low; u <= range.high; u += 0.1)
      EXPECT_LE(std::abs(value_at(seventh, u)), bound + 1e-12) << "each term is at most 1 on the range";
    const Polynomial back = from_chebyshev_form(form, range);
    for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(back.coefficients[i], seventh.coefficients[i], 1e-12);
  }
}

TEST(KeepNear, LeavesTheStartAlone) {
  const std::vector<double> start = chebyshev_form(kPaperCubic, kPaperRange);
  std::vector<double> coefficients = start;
  keep_near(coefficients, start);
  EXPECT_EQ(coefficients, start);
}

TEST(KeepNear, BoundsEveryCoefficientAndTheCentre) {
  const std::vector<double> start =
      chebyshev_form(kPaperCubic, kPaperRange);  // about 1.23, 2.07, 0.74, -0.10
  std::vector<double> coefficients = {100, -100, 100, 100};
  keep_near(coefficients, start);
  EXPECT_NEAR(coefficients[0], start[0] + start[1] / 2, 1e-12);
  EXPECT_NEAR(coefficients[1], start[1] / 2, 1e-12);
  EXPECT_NEAR(coefficients[3], start[3] / 4, 1e-12) << "the leading one keeps its sign";
  // The centre of the depressed cubic stays within two half widths: |b_2| <= 2 * 6 |b_3|.
  EXPECT_NEAR(coefficients[2], 2 * 6 * std::abs(start[3]) / 4, 1e-12);
  const Polynomial kept = from_chebyshev_form(coefficients, kPaperRange);
  EXPECT_LE(std::abs(kept.coefficients[2] / (3 * kept.coefficients[3])), 8 + 1e-9);
}

}  // namespace
}  // namespace cryptotl
