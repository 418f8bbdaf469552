#include "cryptotl/learn/privacy_accountant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "learn/privacy_loss.h"

namespace cryptotl {
namespace {

double tight(const SampledGaussian& mechanism, double delta) { return tight_epsilon({&mechanism, 1}, delta); }

/// Of the Gaussian mechanism, exactly (Balle and Wang, arXiv 1805.06530, Theorem 8).
double gaussian_delta(double noise, double epsilon) {
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); };
  return below(0.5 / noise - epsilon * noise) - std::exp(epsilon) * below(-0.5 / noise - epsilon * noise);
}

TEST(PrivacyAccountant, OfTheGaussianMechanismIsExact) {
  for (const double noise : {0.5, 1.0, 4.0}) {
    for (const size_t steps : {1, 16, 100}) {
      const double epsilon = tight({1, noise, steps}, 1e-5);
      // Many steps of the Gaussian mechanism are one with less noise.
      EXPECT_NEAR(gaussian_delta(noise / std::sqrt(static_cast<double>(steps)), epsilon) / 1e-5, 1, 0.02)
          << noise << " " << steps;
    }
  }
}

TEST(PrivacyAccountant, GrowsWithStepsAndSamplingAndFallsWithNoiseAndDelta) {
  const SampledGaussian usual{0.02, 1.0, 300};
  const double epsilon = tight(usual, 1e-5);
  EXPECT_GT(tight({0.02, 1.0, 600}, 1e-5), epsilon);
  EXPECT_GT(tight({0.04, 1.0, 300}, 1e-5), epsilon);
  EXPECT_LT(tight({0.02, 1.2, 300}, 1e-5), epsilon);
  EXPECT_LT(tight(usual, 1e-4), epsilon);
  EXPECT_LT(epsilon, renyi_epsilon({&usual, 1}, 1e-5));
}

TEST(PrivacyAccountant, ComposesUnlikeMechanisms) {
  const SampledGaussian twice[] = {{0.02, 1.0, 300}, {0.02, 1.0, 300}};
  const SampledGaussian once{0.02, 1.0, 600};
  EXPECT_NEAR(tight_epsilon(twice, 1e-5), tight(once, 1e-5), 2e-3);
  const SampledGaussian both[] = {{0.02, 1.0, 300}, {1, 5.0, 1}};
  EXPECT_GT(tight_epsilon(both, 1e-5), tight(both[0], 1e-5));
  EXPECT_LT(tight_epsilon(both, 1e-5), tight(both[0], 5e-6) + tight(both[1], 5e-6));
  EXPECT_EQ(tight_epsilon({}, 1e-5), 0);
}

TEST(PrivacyLoss, KeepsAllMassAndBothDistributions) {
  for (const Neighbour neighbour : {Neighbour::removed, Neighbour::added}) {
    const PrivacyLoss loss = privacy_loss({0.1, 1.0, 1}, neighbour, 1e-3);
    double upper = loss.infinite, lower = 0;
    for (size_t i = 0; i < loss.masses.size(); ++i) {
      ASSERT_GE(loss.masses[i], 0);
      upper += loss.masses[i];
      lower += loss.masses[i] * std::exp(-loss.at(i));
    }
    EXPECT_NEAR(upper, 1, 1e-12);
    EXPECT_NEAR(lower, 1, 1e-9);
  }
}

TEST(PrivacyAccountant, FindsTheLeastNoiseForABudget) {
  const double noise = noise_multiplier_for(4, 1e-5, 0.05, 200);
  EXPECT_LE(tight({0.05, noise, 200}, 1e-5), 4);
  EXPECT_GT(tight({0.05, noise / 1.002, 200}, 1e-5), 4);
  EXPECT_THROW(noise_multiplier_for(1e-9, 1e-9, 1, 1000000), Error);
}

TEST(PrivacyAccountant, RefusesWhatIsNoMechanism) {
  for (const SampledGaussian& wrong : {SampledGaussian{0, 1, 1},
                                       {1.5, 1, 1},
                                       {0.1, 0, 1},
                                       {0.1, -1, 1},
                                       {0.1, std::numeric_limits<double>::infinity(), 1},
                                       {std::nan(""), 1, 1}}) {
    EXPECT_FALSE(check_mechanism(wrong).ok());
    EXPECT_THROW(tight_epsilon({&wrong, 1}, 1e-5), Error);
  }
  const SampledGaussian right{0.1, 1, 1};
  for (const double delta : {0.0, 1.0, -1.0, std::nan("")})
    EXPECT_THROW(tight_epsilon({&right, 1}, delta), Error);
  EXPECT_EQ(tight(right, 1e-14), std::numeric_limits<double>::infinity()) << "beyond what the tails leave";
}

}  // namespace
}  // namespace cryptotl
