#include "cryptotl/transfer/raw_answers.h"

#include <gtest/gtest.h>

#include "cryptotl/plan/planner.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

// One answer in two can be solved: of 20 none with a probability of 2^-20.
constexpr size_t kAnswers = 20;

TEST(RawAnswers, GiveTheKeyAwayAtBothPresetsAndReleasedOnesDoNot) {
  const Model model = small_model();
  const FoldedNetwork folded = fold(model.lower).value();
  for (const double precision : {kFastPrecision, kAccuratePrecision}) {
    PlanOptions options;
    options.precision = precision;
    const LatencyPlan plan = plan_latency(folded, model.calibration, options).value();
    const KeyRecoveryAttack attack =
        recover_key_from_answers(folded, model.calibration, plan, uniform_matrix(kAnswers, kSmallInputs, 3));
    EXPECT_EQ(attack.answers, kAnswers);
    EXPECT_GT(attack.from_raw, 0u) << precision;
    EXPECT_EQ(attack.from_released, 0u) << precision;
  }
}

}  // namespace
}  // namespace cryptotl
