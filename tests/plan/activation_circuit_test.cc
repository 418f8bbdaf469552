#include "cryptotl/plan/activation_circuit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace cryptotl {
namespace {

FoldedActivation random_activation(size_t degree, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(-2.0, 2.0);
  FoldedActivation out;
  out.degree = degree;
  out.coefficients.assign(degree - 1, 0.0);
  for (size_t i = 1; i < out.coefficients.size(); ++i) out.coefficients[i] = uniform(generator);
  return out;
}

TEST(ActivationCircuitTest, GivesThePolynomialOfEveryDegree) {
  for (size_t degree = kMinActivationDegree; degree <= kMaxActivationDegree; ++degree) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const FoldedActivation activation = random_activation(degree, seed);
      for (double v = -2; v <= 2; v += 0.125) {
        const double expected = activation.at(v);
        EXPECT_NEAR(activation_registers(activation, v).back(), expected, 1e-12 * (100 + std::abs(expected)))
            << "degree " << degree << " at " << v;
      }
    }
  }
}

TEST(ActivationCircuitTest, TakesNoMoreProductsAndDepthThanTheDegreeCallsFor) {
  const size_t products[] = {1, 2, 2, 3, 3, 4};
  const size_t depths[] = {1, 2, 2, 3, 3, 3};
  for (size_t degree = 2; degree <= 7; ++degree) {
    EXPECT_EQ(activation_products(degree).size(), products[degree - 2]);
    EXPECT_EQ(activation_depth(degree), depths[degree - 2]);
    EXPECT_EQ(activation_terms(random_activation(degree, 1)).size(), products[degree - 2]);
  }
}

TEST(ActivationCircuitTest, ProductsReadEarlierRegistersAndDepthsGrow) {
  for (size_t degree = 2; degree <= 7; ++degree) {
    const auto all = activation_products(degree);
    for (size_t i = 0; i < all.size(); ++i) {
      for (const size_t factor : {all[i].left, all[i].right}) {
        EXPECT_LE(factor, i);
        if (factor > 0) {
          EXPECT_LT(all[factor - 1].depth, all[i].depth);
        }
      }
    }
  }
}

TEST(ActivationCircuitTest, SensitivityOfVIsTheSlope) {
  for (size_t degree = 2; degree <= 7; ++degree) {
    const FoldedActivation activation = random_activation(degree, 7);
    for (double v = -1.5; v <= 1.5; v += 0.25) {
      constexpr double kStep = 1e-5;
      const double slope = (activation.at(v + kStep) - activation.at(v - kStep)) / (2 * kStep);
      const auto sensitivities = activation_sensitivities(activation, activation_registers(activation, v));
      EXPECT_NEAR(sensitivities.front(), slope, 1e-6 * (1 + std::abs(slope)));
      EXPECT_EQ(sensitivities.back(), 1.0);
    }
  }
}

TEST(ActivationCircuitTest, SensitivityOfAProductIsWhatAnErrorInItDoes) {
  // Degree 7, errors in r2 = r1 v and r3: their product is the last register.
  const FoldedActivation activation = random_activation(7, 3);
  const auto registers = activation_registers(activation, 0.7);
  const auto sensitivities = activation_sensitivities(activation, registers);
  EXPECT_NEAR(sensitivities[2], registers[3], 1e-12);
  EXPECT_NEAR(sensitivities[3], registers[2], 1e-12);
}

TEST(ActivationCircuitTest, RefusesOtherDegrees) {
  for (const size_t degree : {size_t{0}, size_t{1}, size_t{8}, size_t{1} << 40}) {
    EXPECT_THROW(activation_products(degree), Error);
    EXPECT_THROW(activation_depth(degree), Error);
  }
}

}  // namespace
}  // namespace cryptotl
