#include "cryptotl/learn/membership.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "learn/clusters.h"

namespace cryptotl {
namespace {

constexpr size_t kMemberRows = 100, kMemberColumns = 16;

MembershipOptions small() {
  MembershipOptions options;
  options.shape.hidden = {16};
  options.shape.features = 8;
  options.shape.kernel = 0;
  options.shape.pool = 0;
  options.models = 16;
  options.threads = 2;
  return options;
}

/// Rows whose labels can only be learnt by heart.
Clusters noise() {
  Clusters data = clusters(kMemberRows, kMemberColumns, 2, 0.2, 1);
  std::mt19937_64 engine(3);
  for (double& value : data.rows.values) value = static_cast<double>(engine() >> 11) * 0x1p-53;
  return data;
}

TEST(Membership, RefusesTooFewModelsAndOtherLabels) {
  MembershipOptions options = small();
  options.training.noise_multiplier = 0;
  options.models = 7;
  const Clusters data = noise();
  EXPECT_THROW(infer_membership(data.rows, data.labels, options), Error);
  options.models = 16;
  const Clusters three = clusters(kMemberRows, kMemberColumns, 3, 0.2, 1);
  EXPECT_THROW(infer_membership(three.rows, three.labels, options), Error);
}

TEST(Membership, IsFoundWhereRowsAreLearntByHeart) {
  MembershipOptions options = small();
  options.training.noise_multiplier = 0;
  options.training.steps = 150;
  const Clusters data = noise();
  const MembershipAttack attack = infer_membership(data.rows, data.labels, options);
  EXPECT_EQ(attack.guesses, 16 * kMemberRows);
  EXPECT_GT(attack.fit_accuracy, attack.other_accuracy + 0.2);
  EXPECT_GT(attack.accuracy_bounds.low, 0.6);
  EXPECT_GT(attack.auc, attack.accuracy);
  EXPECT_GT(attack.true_positive_rate, 0.01);
  EXPECT_TRUE(std::isinf(attack.spent.epsilon));
}

// What epsilon allows bounds the accuracy: e^epsilon / (1 + e^epsilon) and delta (Kairouz, Oh and Viswanath,
// arXiv 1311.0776).
TEST(Membership, StaysWithinWhatEpsilonAllows) {
  MembershipOptions options = small();
  options.training.noise_multiplier = 20;
  options.training.steps = 10;
  const Clusters data = noise();
  const MembershipAttack attack = infer_membership(data.rows, data.labels, options);
  ASSERT_LT(attack.spent.epsilon, 0.2);
  EXPECT_LE(attack.accuracy_bounds.low, 1 / (1 + std::exp(-attack.spent.epsilon)) + attack.spent.delta);
  EXPECT_GE(attack.accuracy_bounds.high, 0.5);
}

// The curve's area counts pairs, ties by half: an attack that learns nothing has half of it.
TEST(Membership, IsAtChanceWhereNothingWasTrained) {
  MembershipOptions options = small();
  options.training.noise_multiplier = 0;
  options.training.learning_rate = 1e-300;
  options.training.steps = 1;
  const Clusters data = noise();
  const MembershipAttack attack = infer_membership(data.rows, data.labels, options);
  EXPECT_LE(attack.accuracy_bounds.low, 0.5);
  EXPECT_GE(attack.accuracy_bounds.high, 0.5);
}

}  // namespace
}  // namespace cryptotl
