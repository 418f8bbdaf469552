#include "cryptotl/plan/batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/rns/integer_matrix.h"
#include "plan/random_network.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

const FoldedNetwork kNetwork = random_network(768, 768, 766, 1);
const Calibration kCalibration = calibrate(kNetwork, uniform_rows(40, 768, 2));

BatchPlan usual_plan() { return plan_batch(kNetwork, kCalibration).value(); }

TEST(BatchPlan, OfThePapersNetworkTakesFiveLimbsAtN8192) {
  const BatchPlan plan = usual_plan();
  EXPECT_EQ(plan.params.ring, Ring::conjugate_invariant);
  EXPECT_EQ(plan.samples(), 8192u);
  EXPECT_EQ(plan.top_limbs(), 5u);
  EXPECT_EQ(plan.matrices.back().limbs, 2u);
  EXPECT_LE(plan.predicted_error, kFastPrecision);
  const BatchCost cost = cost_of(plan);
  EXPECT_LE(cost.request_bytes / 8192, 16'000u);
  EXPECT_LE(cost.response_bytes / 8192, 8'000u);
  EXPECT_LT(cost.prepared_milliseconds, cost.milliseconds);
}

TEST(BatchPlan, OfFewSamplesSharesTheSlotsAmongFeatures) {
  const BatchPlan plan = plan_batch(kNetwork, kCalibration, {.samples = 1024}).value();
  EXPECT_EQ(plan.samples(), 1024u);
  EXPECT_EQ(plan.slots(), 8192u);
  EXPECT_EQ(plan.block, 8u);
  EXPECT_EQ(plan.input_rows(), 96u);
  EXPECT_EQ(plan.output_rows(), 96u);
  EXPECT_LE(plan.predicted_error, kFastPrecision);
  const BatchCost cost = cost_of(plan), usual = cost_of(usual_plan());
  EXPECT_LT(cost.milliseconds, usual.milliseconds * 0.6);
  EXPECT_LT(cost.request_bytes, usual.request_bytes / 7);
  EXPECT_EQ(cost.milliseconds, cost.prepared_milliseconds) << "there is no half for all clients";
  EXPECT_EQ(rotations_of(plan), (std::vector<int>{1, 2, 3, 4, -4, -8}));
  EXPECT_EQ(required_keys(plan).size(), 7u);
}

TEST(BatchPlan, TakesSmallPrimesWhereAResidueOfTheirsIsOneFactor) {
  KernelSpeeds speeds = KernelSpeeds::reference();
  const auto bits = [&](size_t samples) {
    const BatchPlan plan = plan_batch(kNetwork, kCalibration, {.samples = samples, .speeds = speeds}).value();
    return Params::create(plan.params).value()->prime_bits();
  };
  EXPECT_EQ(bits(2048), 26u);
  EXPECT_EQ(bits(1024), 26u);
  EXPECT_EQ(bits(0), 30u);
  speeds.whole_multiply_add = 2 * speeds.multiply_add;
  EXPECT_EQ(bits(2048), 30u);
}

TEST(BatchPlan, RefusesNumbersOfSamplesThatShareNoSlots) {
  for (const size_t samples : {1000, 3, 16, 1 << 20}) {
    const auto plan = plan_batch(kNetwork, kCalibration, {.samples = samples});
    ASSERT_FALSE(plan.ok()) << samples;
    EXPECT_THAT(plan.error().what(), HasSubstr("batches of " + std::to_string(samples)));
  }
}

TEST(BatchPlan, ScalesFitTheIntegersOfTheKernels) {
  const BatchPlan plan = usual_plan();
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    for (const double weight : kNetwork.maps[i].weight.values)
      ASSERT_LT(std::abs(std::round(weight * plan.matrices[i].scale)), kMatrixEntryBound);
  }
}

TEST(BatchPlan, HasRoomForTheLargestAnswerInEverySlot) {
  for (const size_t samples : {0, 1024}) {
    const BatchPlan plan = plan_batch(kNetwork, kCalibration, {.samples = samples}).value();
    const std::vector<double> alike = {plan.output_limit / 2 * plan.answer_scale(), 0};
    EXPECT_FALSE(may_have_wrapped(plan, alike)) << samples;
    EXPECT_TRUE(may_have_wrapped(plan, std::vector<double>{1.1 * alike[0], 0})) << samples;
  }
}

TEST(BatchPlan, TakesNarrowEntriesWhereTheyAreMuchQuicker) {
  KernelSpeeds speeds = KernelSpeeds::reference();
  speeds.multiply_add = 0.005;
  speeds.wide_multiply_add = 0.05;
  const BatchPlan plan = plan_batch(kNetwork, kCalibration, {.precision = 1e-3, .speeds = speeds}).value();
  EXPECT_TRUE(plan.narrow_entries);
  for (const double weight : kNetwork.maps[0].weight.values)
    ASSERT_LE(std::abs(std::round(weight * plan.matrices[0].scale)), kMaxNarrowEntry);
}

TEST(BatchPlan, ComesBackFromItsJson) {
  for (const size_t samples : {0, 256}) {
    const BatchPlan plan = plan_batch(kNetwork, kCalibration, {.samples = samples}).value();
    const BatchPlan back = BatchPlan::from_json(plan.to_json()).value();
    EXPECT_EQ(back.to_json(), plan.to_json());
    EXPECT_EQ(back.params, plan.params);
    EXPECT_EQ(required_keys(back), required_keys(plan));
  }
  const BatchPlan plan = usual_plan();
  EXPECT_EQ(required_keys(plan), (std::vector<KeyRequest>{{kRelinearisation, 4}}));
}

TEST(BatchPlan, RefusesJsonThatAClientCannotRelyOn) {
  const nlohmann::json good = usual_plan().to_json();
  const auto refusal = [&](const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json json = good;
    json[nlohmann::json::json_pointer(pointer)] = value;
    const auto plan = BatchPlan::from_json(json);
    return plan.ok() ? std::string() : std::string(plan.error().what());
  };
  EXPECT_THAT(refusal("/widths", {768, 768}), HasSubstr("fit together"));
  EXPECT_THAT(refusal("/widths", {768, 0, 766}), HasSubstr("a width of 0"));
  EXPECT_THAT(refusal("/widths", {768, 4097, 766}), HasSubstr("4097"));
  EXPECT_THAT(refusal("/block", 2), HasSubstr("blocks of 2"));
  EXPECT_THAT(refusal("/block", 24), HasSubstr("blocks of 24"));
  EXPECT_THAT(refusal("/block", 128), HasSubstr("blocks of 128"));
  EXPECT_THAT(refusal("/ring_degree_log2", 12), HasSubstr("128-bit"));
  EXPECT_THAT(refusal("/matrices/0/limbs", 4), HasSubstr("chain"));
  EXPECT_THAT(refusal("/activations/0/degree", 9), HasSubstr("degree 9"));
  EXPECT_THAT(refusal("/slot_limit", 1e9), HasSubstr("wrap around"));
  EXPECT_THAT(refusal("/matrices/1/scale", -1), HasSubstr("scale"));
  EXPECT_THAT(refusal("/answer_bits", 70), HasSubstr("plan"));
  EXPECT_THAT(refusal("/flood_deviation", -1), HasSubstr("noise out of bounds"));
  EXPECT_THAT(refusal("/flood_deviation", 1e9), HasSubstr("noise out of bounds"));
  EXPECT_THAT(refusal("/flood_deviation", 1), HasSubstr("oise"));
  EXPECT_THAT(refusal("/evaluation_deviation", -1), HasSubstr("noise out of bounds"));
  EXPECT_THAT(refusal("/narrow_entries", "yes"), HasSubstr("type"));
  nlohmann::json missing = good;
  missing.erase("noise");
  EXPECT_FALSE(BatchPlan::from_json(missing).ok());
}

TEST(BatchPlan, IsDescribedStepByStep) {
  const std::string text = describe(usual_plan());
  EXPECT_THAT(text, HasSubstr("8192 inputs at a time"));
  EXPECT_THAT(text, HasSubstr("5 primes and 2 special of 30 bits"));
  EXPECT_THAT(text, HasSubstr("matrix 768 x 768: integers"));
  EXPECT_THAT(text, HasSubstr("activation of degree 3"));
  EXPECT_THAT(text, HasSubstr("encryptions of zero"));
  EXPECT_THAT(text, HasSubstr("rounding of the entries"));
  EXPECT_THAT(text, HasSubstr("Gaussian noise that floods these"));
  EXPECT_THAT(text, HasSubstr("one row of answers moves by up to"));
}

}  // namespace
}  // namespace cryptotl
