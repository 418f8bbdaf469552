#include "cryptotl/transfer/server_view.h"

#include <gtest/gtest.h>

#include "cryptotl/plan/planner.h"
#include "learn/clusters.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

constexpr size_t kRows = 200;

class ServerViewTest : public testing::Test {
 protected:
  std::vector<ServerViewAttack> attacks(const SecretKey& secret, const Clusters& data,
                                        const ServerViewOptions& options = {.known = 150, .unknown = 150}) {
    return guess_from_ciphertexts(plan_, secret, data.rows, data.labels, options);
  }

  Model model_ = small_model();
  LatencyPlan plan_ = plan_latency(fold(model_.lower).value(), model_.calibration).value();
  ParamsPtr params_ = Params::create(plan_.params).value();
  Clusters data_ = clusters(kRows, kSmallInputs, 2, 0.3, 1);
};

TEST_F(ServerViewTest, RefusesTooFewRowsOrCiphertexts) {
  const SecretKey secret = SecretKey::generate(params_);
  EXPECT_THROW(attacks(secret, clusters(14, kSmallInputs, 2, 0.3, 1)), Error);
  EXPECT_THROW(attacks(secret, clusters(kRows, kSmallInputs, 3, 0.3, 1)), Error);
  EXPECT_THROW(attacks(secret, data_, {.known = 19, .unknown = 150}), Error);
}

// A secret of zeros hides nothing: c_0 is the message and the error.
TEST_F(ServerViewTest, TellsInputsApartWhereTheSecretIsZero) {
  const std::vector<int8_t> zeros(params_->n());
  const SecretKey broken = SecretKey::from_coefficients(params_, KeyId{}, zeros);
  for (const ServerViewAttack& attack : attacks(broken, data_)) {
    EXPECT_FALSE(attack.at_chance) << name(attack.guess);
    EXPECT_GT(attack.bounds.low, 0.6) << name(attack.guess);
  }
}

TEST_F(ServerViewTest, GuessesAtChanceUnderARealSecret) {
  const std::vector<ServerViewAttack> all = attacks(SecretKey::generate(params_), data_);
  EXPECT_EQ(all.size(), 3u);
  for (const ServerViewAttack& attack : all) {
    EXPECT_TRUE(attack.at_chance) << name(attack.guess) << ": " << attack.right;
    EXPECT_EQ(attack.guesses, 150u);
  }
}

}  // namespace
}  // namespace cryptotl
