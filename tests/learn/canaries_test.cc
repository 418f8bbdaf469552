#include "cryptotl/learn/canaries.h"

#include <gtest/gtest.h>

#include "learn/clusters.h"

namespace cryptotl {
namespace {

constexpr size_t kDataRows = 200, kDataColumns = 8;
constexpr double kDelta = 1e-5;

CanaryOptions small(bool network) {
  CanaryOptions options;
  options.training.delta = kDelta;
  options.training.steps = 20;
  if (network) {
    options.shape.emplace();
    options.shape->hidden = {8};
    options.shape->features = 8;
    options.shape->kernel = 0;
    options.shape->pool = 0;
  }
  return options;
}

CanaryAudit audited(const CanaryOptions& options) {
  const Clusters data = clusters(kDataRows, kDataColumns, 2, 0.2, 1);
  return audit_canaries(data.rows, data.labels, options);
}

TEST(Canaries, RefusesTooFewOtherLabelsAndAConvolution) {
  CanaryOptions options = small(true);
  options.training.noise_multiplier = 0;
  options.canaries = 7;
  EXPECT_THROW(audited(options), Error);
  options.canaries = 512;
  options.shape->kernel = 9;
  EXPECT_THROW(audited(options), Error);
  const Clusters three = clusters(kDataRows, kDataColumns, 3, 0.2, 1);
  options.shape->kernel = 0;
  EXPECT_THROW(audit_canaries(three.rows, three.labels, options), Error);
}

// At 99 % the 256 guesses can show 3.98 at most.
TEST(Canaries, AreAllFoundWithoutNoise) {
  for (const bool network : {false, true}) {
    CanaryOptions options = small(network);
    options.training.noise_multiplier = 0;
    const CanaryAudit audit = audited(options);
    EXPECT_EQ(audit.guessed.guesses, 256u);
    EXPECT_GT(audit.empirical_epsilon, 3) << network;
  }
}

TEST(Canaries, ShowLessThanTheTrainingClaims) {
  for (const double epsilon : {1.0, 8.0}) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      CanaryOptions options = small(false);
      options.training.epsilon = epsilon;
      options.seed = seed;
      const CanaryAudit audit = audited(options);
      EXPECT_LT(audit.empirical_epsilon, audit.claimed.epsilon);
      EXPECT_LE(audit.claimed.epsilon, epsilon);
      EXPECT_EQ(audit.claimed.delta, kDelta);
      if (epsilon == 8) {
        EXPECT_GT(audit.empirical_epsilon, 0.5);
      }
    }
  }
}

// An audit that could not tell a broken training from a sound one would be worth nothing: here the noise is a
// fifth of what epsilon 1 takes.
TEST(Canaries, FindATrainingWhoseNoiseIsTooSmallForItsClaim) {
  CanaryOptions options = small(false);
  options.training.epsilon = 1;
  const double needed = plan_privacy(kDataRows, options.training).mechanism.noise_multiplier;
  options.training.epsilon.reset();
  options.training.noise_multiplier = needed / 5;
  EXPECT_GT(audited(options).empirical_epsilon, 1);
}

}  // namespace
}  // namespace cryptotl
