#include "service/plan_store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "plan/random_network.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

class PlanStoreTest : public testing::Test {
 protected:
  PlanStoreTest() : folder_(fs::path(testing::TempDir()) / "cryptotl-plans") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~PlanStoreTest() override { fs::remove_all(folder_); }

  static LatencyPlan planned() {
    static const LatencyPlan plan = [] {
      const FoldedNetwork network = random_network(64, 64, 8, 1);
      return plan_latency(network, calibrate(network, uniform_rows(20, 64, 2))).value();
    }();
    return plan;
  }
  LatencyPlan settled(const Digest& wish, const LatencyPlan& best) const {
    return settle_plan(folder_, wish, best, speeds_).value();
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  const fs::path folder_;
  /// Of a machine whose transforms, hence giant steps, take nearly all the time.
  const KernelSpeeds speeds_ = {1.0, 0.01, 0.01, 0.01, 0.01};
  const Digest wish_ = plan_wish(Digest{1}, {});
};

TEST_F(PlanStoreTest, SaysWhereItCannotWrite) {
  fs::remove_all(folder_);
  const auto plan = settle_plan(folder_, wish_, planned(), speeds_);
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(std::string(plan.error().what()).find(folder_.string()), std::string::npos);
}

TEST_F(PlanStoreTest, KeepsThePlanThatKeysWereMadeForWhereAnotherIsHardlyQuicker) {
  const LatencyPlan first = planned();
  LatencyPlan next = first;
  next.output_limit *= 2;
  EXPECT_EQ(settled(wish_, first).to_json(), first.to_json());
  EXPECT_EQ(settled(wish_, next).to_json(), first.to_json());
}

TEST_F(PlanStoreTest, TakesAPlanThatIsQuickerByAFifth) {
  LatencyPlan slow = planned();
  for (MatrixPlan& matrix : slow.matrices) matrix.baby_steps = 1;
  const LatencyPlan best = planned();
  ASSERT_GT(pass_milliseconds(slow, speeds_), 1.2 * pass_milliseconds(best, speeds_));
  settled(wish_, slow);
  EXPECT_EQ(settled(wish_, best).to_json(), best.to_json());
  EXPECT_EQ(settled(wish_, slow).to_json(), best.to_json()) << "and keeps it";
}

TEST_F(PlanStoreTest, ReplacesAFileThatIsNoPlan) {
  settled(wish_, planned());
  for (const std::string text : {"", "{", "[]", "{\"matrices\": 1}"}) {
    std::ofstream(fs::directory_iterator(folder_)->path()) << text;
    EXPECT_EQ(settled(wish_, planned()).to_json(), planned().to_json());
    EXPECT_EQ(files(), 1u);
  }
}

TEST_F(PlanStoreTest, KeepsThePlanOfBatchesBesideThatOfPasses) {
  const FoldedNetwork network = random_network(16, 16, 8, 1);
  const Calibration calibration = calibrate(network, uniform_rows(20, 16, 2));
  const BatchPlan first = plan_batch(network, calibration).value();
  BatchPlan next = first;
  next.output_limit *= 2;
  const Digest wish = batch_plan_wish(Digest{1}, {});
  settled(wish_, planned());
  const KernelSpeeds speeds = KernelSpeeds::reference();
  EXPECT_EQ(settle_plan(folder_, wish, first, speeds)->to_json(), first.to_json());
  EXPECT_EQ(settle_plan(folder_, wish, next, speeds)->to_json(), first.to_json());
  EXPECT_EQ(files(), 2u);
  EXPECT_EQ(settled(wish_, planned()).to_json(), planned().to_json());
}

TEST_F(PlanStoreTest, KeepsAPlanForEachModelPrecisionAndKindOfAnswer) {
  const Digest wishes[] = {wish_, plan_wish(Digest{2}, {}), plan_wish(Digest{1}, {.precision = 1e-3}),
                           plan_wish(Digest{1}, {.outputs_alone = true})};
  for (const Digest& wish : wishes) settled(wish, planned());
  EXPECT_EQ(files(), std::size(wishes));
}

}  // namespace
}  // namespace cryptotl
