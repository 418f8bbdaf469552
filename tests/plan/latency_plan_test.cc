#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/planner.h"
#include "plan/random_network.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

LatencyPlan plan_of(size_t inputs, size_t hidden, size_t outputs) {
  const FoldedNetwork network = random_network(inputs, hidden, outputs, 1);
  return plan_latency(network, calibrate(network, uniform_rows(20, inputs, 2))).value();
}

void expect_refused(const Json& json, ErrorCode code, const std::string& message) {
  const auto plan = LatencyPlan::from_json(json);
  ASSERT_FALSE(plan.ok()) << message;
  EXPECT_EQ(plan.error().code(), code) << plan.error().what();
  EXPECT_THAT(plan.error().what(), HasSubstr(message));
}

TEST(LatencyPlanTest, RefusesAnswersTooLargeForAnyScale) {
  const FoldedNetwork network = random_network(8, 8, 8, 1);
  Calibration calibration = calibrate(network, uniform_rows(20, 8, 2));
  calibration.slot_mean = 1e30;
  const auto plan = plan_latency(network, calibration);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code(), ErrorCode::invalid_argument);
}

TEST(LatencyPlanTest, RefusesPublishedPlansThatAClientMustNotTrust) {
  const Json good = plan_of(768, 768, 766).to_json();
  Json bad = good;
  bad["primes"].push_back(ntt_primes(1u << 30, 1u << 14, 20)[15]);
  bad["primes"].push_back(ntt_primes(1u << 30, 1u << 14, 20)[16]);
  expect_refused(bad, ErrorCode::insecure_parameters, "128-bit security");
  bad = good;
  bad["ring_degree_log2"] = 12;
  expect_refused(bad, ErrorCode::insecure_parameters, "N = 4096");
  bad = good;
  bad["special_primes"][0] = bad["primes"][0];
  expect_refused(bad, ErrorCode::invalid_argument, "twice");
  bad = good;
  bad["special_primes"] = Json::array();
  expect_refused(bad, ErrorCode::invalid_argument, "0 special primes");
  std::vector<uint32_t> others = ntt_primes(1u << 30, 1u << 14, 25);
  others.erase(others.begin(), others.begin() + 20);
  bad["special_primes"] = others;
  expect_refused(bad, ErrorCode::invalid_argument, "5 special primes");
  others.pop_back();
  bad["special_primes"] = others;
  expect_refused(bad, ErrorCode::insecure_parameters, "128-bit security");
  for (const Json& wrong :
       {Json(good["special_primes"][0]), Json("text"), Json({1.5}), Json({-1}), Json({{}})}) {
    bad["special_primes"] = wrong;
    EXPECT_FALSE(LatencyPlan::from_json(bad).ok()) << wrong;
  }
  bad = good;
  bad["input_scale"] = 0.0;
  expect_refused(bad, ErrorCode::invalid_argument, "scale");
  bad = good;
  bad["matrices"][1]["scale"] = good["matrices"][1]["scale"].get<double>() * 4;
  expect_refused(bad, ErrorCode::invalid_argument, "wrap");
  for (const size_t bits : {size_t{0}, size_t{63}, ~size_t{0}}) {
    bad = good;
    bad["answer_bits"] = bits;
    expect_refused(bad, ErrorCode::invalid_argument, "out of bounds");
  }
  bad = good;
  bad["answer_dropped_bits"] = good["answer_bits"];
  expect_refused(bad, ErrorCode::invalid_argument, "out of bounds");
  bad["answer_dropped_bits"] = good["answer_bits"].get<size_t>() - 6;  // 2^-6 of the modulus at a time
  expect_refused(bad, ErrorCode::invalid_argument, "wrap");
  bad = good;
  bad["answer_bits"] = 14;
  bad["answer_dropped_bits"] = 0;
  expect_refused(bad, ErrorCode::invalid_argument, "wrap");
  bad = good;
  bad["answer_spare_bits"] = good["answer_spare_bits"].get<size_t>() + 1;
  expect_refused(bad, ErrorCode::invalid_argument, "wrap");
  bad["answer_spare_bits"] = ~size_t{0};
  expect_refused(bad, ErrorCode::invalid_argument, "spare");
  bad = good;
  bad["input_range"] = {1.0, 0.0};
  expect_refused(bad, ErrorCode::invalid_argument, "input range");
  bad = good;
  bad["widths"][2] = 5000;
  expect_refused(bad, ErrorCode::invalid_argument, "output width");
  for (const char* const member : {"block", "shift", "output_window", "output_stride", "output_copies"}) {
    for (const size_t value : {size_t{0}, size_t{3}, size_t{8192}, size_t{1} << 62}) {
      bad = good;
      bad[member] = value;
      expect_refused(bad, ErrorCode::invalid_argument, "packing");
    }
  }
  bad = good;
  bad["matrices"][0]["baby_steps"] = 128;
  expect_refused(bad, ErrorCode::invalid_argument, "baby steps");
  bad = good;
  bad["matrices"][1]["limbs"] = 3;
  expect_refused(bad, ErrorCode::invalid_argument, "chain of primes");
  bad = good;
  bad["activations"][0]["degree"] = 8;
  expect_refused(bad, ErrorCode::invalid_argument, "degree 8");
  bad = good;
  bad["activations"][0]["drops"] = {1, 5};
  expect_refused(bad, ErrorCode::invalid_argument, "chain of primes");
  bad = good;
  bad["activations"][0]["drops"] = {1, 2};
  expect_refused(bad, ErrorCode::invalid_argument, "chain of primes");
  bad = good;
  bad["matrices"].push_back(bad["matrices"][0]);
  expect_refused(bad, ErrorCode::invalid_argument, "fit together");
  bad = good;
  bad["predicted_error"] = -1.0;
  expect_refused(bad, ErrorCode::invalid_argument, "predicted error");
}

TEST(LatencyPlanTest, RefusesJsonWithAMissingOrMistypedMember) {
  const Json good = plan_of(16, 16, 4).to_json();
  for (const auto& [name, value] : good.items()) {
    Json bad = good;
    bad.erase(name);
    EXPECT_FALSE(LatencyPlan::from_json(bad).ok()) << name;
    bad[name] = "text";
    EXPECT_FALSE(LatencyPlan::from_json(bad).ok()) << name;
  }
  EXPECT_FALSE(LatencyPlan::from_json(Json::array()).ok());
}

TEST(LatencyPlanTest, SurvivesTheWayThroughJson) {
  const LatencyPlan plan = plan_of(768, 768, 766);
  const LatencyPlan copy = LatencyPlan::from_json(Json::parse(plan.to_json().dump())).value();
  EXPECT_EQ(copy.to_json(), plan.to_json());
  EXPECT_EQ(copy.packing, plan.packing);
  EXPECT_EQ(required_keys(copy), required_keys(plan));
}

TEST(LatencyPlanTest, PacksThePapersShapeAsTheDesignSays) {
  const LatencyPlan plan = plan_of(768, 768, 766);
  EXPECT_EQ(plan.packing.shift, 96u);
  EXPECT_EQ(plan.packing.output_window, 128u);
  EXPECT_EQ(plan.packing.output_stride, 384u);
  EXPECT_EQ(plan.packing.output_copies, 8u);
  const auto params = Params::create(plan.params).value();
  EXPECT_LE(params->log_qp(), 210.0);
  EXPECT_EQ(plan.matrices[0].baby_steps, 16u);
  EXPECT_EQ(plan.matrices[1].baby_steps, 32u);
  // Rotations by 1 to 32; relinearisation; the sums of four blocks and of eight copies; conjugation.
  EXPECT_EQ(required_keys(plan).size(), 32u + 1 + 3 + 4 + 1);
}

TEST(LatencyPlanTest, PacksInputsInPairsAndReadsOutputsInPairs) {
  const LatencyPlan plan = plan_of(5, 4, 3);
  const double row[] = {0.1, 0.2, 0.3, 0.4, 0.5};
  const auto slots = pack_input(plan.packing, row);
  ASSERT_EQ(slots.size(), 4096u);
  for (size_t t = 0; t < slots.size(); ++t) {
    const size_t k = input_of_slot(plan.packing, t);
    EXPECT_EQ(slots[t].real(), k < 5 ? row[k] - 0.5 : 0.0);
    EXPECT_EQ(slots[t].imag(), plan.packing.period() + k < 5 ? row[plan.packing.period() + k] - 0.5 : 0.0);
  }
  const std::complex<double> answer[] = {{1, 3}, {2, 9}};
  EXPECT_THAT(unpack_output(plan.packing, answer), testing::ElementsAre(1, 2, 3));
}

TEST(LatencyPlanTest, AKeyServesEveryUseOfItsElement) {
  const LatencyPlan plan = plan_of(768, 768, 766);
  for (const KeyRequest& use : key_uses(plan)) {
    EXPECT_TRUE(std::ranges::any_of(required_keys(plan), [&](const KeyRequest& key) {
      return key.galois_element == use.galois_element && key.limbs >= use.limbs;
    }));
  }
}

TEST(LatencyPlanTest, TheChosenScalesAreTheBestAmongTheirNeighbours) {
  const LatencyPlan plan = plan_of(768, 768, 766);
  // Of all but the noise that fills the precision.
  EXPECT_LT(8 * std::hypot(plan.evaluation_deviation, plan.noise.back().deviation), 5e-5);
  EXPECT_LE(plan.predicted_error, kFastPrecision);
  EXPECT_LE(plan.output_scale() * plan.slot_limit, 0x1p59);
}

TEST(LatencyPlanTest, WarnsBeforeACoefficientWraps) {
  const LatencyPlan plan = plan_of(5, 4, 3);
  const double half = std::exp2(plan.answer_bits) / 2;
  EXPECT_FALSE(may_have_wrapped(plan, std::vector<double>{0.0, half / 2, -half / 2}));
  EXPECT_TRUE(may_have_wrapped(plan, std::vector<double>{0.0, -0.9 * half}));
}

TEST(LatencyPlanTest, TakesEveryValidNumberOfBabyStepsAndNoOther) {
  const Json good = plan_of(768, 768, 766).to_json();
  const size_t diagonals[] = {96, 128};
  for (size_t matrix = 0; matrix < 2; ++matrix) {
    for (size_t steps = 0; steps <= 2 * kMaxBabySteps; ++steps) {
      Json changed = good;
      changed["matrices"][matrix]["baby_steps"] = steps;
      EXPECT_EQ(LatencyPlan::from_json(changed).ok(), valid_baby_steps(steps, diagonals[matrix])) << steps;
    }
  }
}

TEST(LatencyPlanTest, ReadsPlansOfOneToFourSpecialPrimes) {
  Json json = plan_of(768, 768, 766).to_json();
  const std::vector<uint32_t> all = ntt_primes(1u << 30, uint32_t{2} << 15, 9);
  json["ring_degree_log2"] = 15;  // with room for all, and primes that are a little smaller
  json["slot_limit"] = 0.9 * json["slot_limit"].get<double>();
  json["primes"] = std::vector<uint32_t>(all.begin() + 4, all.end());
  for (size_t special = 1; special <= 4; ++special) {
    json["special_primes"] = std::vector<uint32_t>(all.begin(), all.begin() + static_cast<int>(special));
    json["block"] = 16384;  // one block: every input stands in a slot of its own
    json["shift"] = 512;
    json["output_window"] = 16384;
    json["output_stride"] = 16384;
    json["output_copies"] = 1;
    const auto plan = LatencyPlan::from_json(json);
    ASSERT_TRUE(plan.ok()) << plan.error().what();
    EXPECT_EQ(plan->params.special_primes.size(), special);
    EXPECT_EQ(plan->to_json(), json);
  }
}

/// Plans of one, two and three hidden layers and of several degrees and precisions.
std::vector<LatencyPlan> many_plans() {
  std::vector<LatencyPlan> out = {plan_of(768, 768, 766)};
  const Polynomial sextic{{0.2, 0.6, 0.15, 0.04, -0.02, 0.006, 0.003}};
  for (const std::vector<size_t>& widths :
       {std::vector<size_t>{30, 50, 20, 12}, {8, 300, 3}, {30, 20, 20, 20, 9}}) {
    for (const Polynomial& activation : {kPaperCubic, sextic}) {
      const FoldedNetwork network = random_network(widths, activation, 1);
      const auto plan = plan_latency(network, calibrate(network, uniform_rows(20, widths[0], 2)), {1e-3});
      if (plan.ok()) out.push_back(*plan);
    }
  }
  return out;
}

size_t steps_of(const LatencyPlan& plan) {
  size_t steps = plan.matrices.size();
  for (const ActivationPlan& activation : plan.activations)
    steps += activation_products(activation.degree).size();
  return steps;
}

TEST(StepCosts, AddUpToThePassAndGrowWithEverySpeed) {
  for (const LatencyPlan& plan : many_plans()) {
    const KernelSpeeds reference = KernelSpeeds::reference();
    const std::vector<double> steps = step_costs(plan, reference);
    EXPECT_EQ(steps.size(), steps_of(plan));
    EXPECT_THAT(steps, testing::Each(testing::Gt(0)));
    double sum = 0;
    for (const double step : steps) sum += step;
    EXPECT_DOUBLE_EQ(pass_milliseconds(plan, reference), sum);
    EXPECT_DOUBLE_EQ(cost_of(plan).milliseconds, sum);

    double of_each_alone = 0;
    for (const auto kernel : {&KernelSpeeds::transform, &KernelSpeeds::streamed_key,
                              &KernelSpeeds::cached_key, &KernelSpeeds::diagonal, &KernelSpeeds::pass}) {
      KernelSpeeds alone;
      alone.*kernel = reference.*kernel;
      of_each_alone += pass_milliseconds(plan, alone);
      KernelSpeeds slower = reference;
      slower.*kernel *= 2;
      EXPECT_GE(pass_milliseconds(plan, slower), sum);
    }
    EXPECT_NEAR(of_each_alone, sum, 1e-9 * sum);
  }
}

TEST(StepCosts, CountEveryWordOfKeysAndDiagonalsThatComesFromMemory) {
  const LatencyPlan plan = plan_of(768, 768, 766);
  ASSERT_EQ(plan.params.special_primes.size(), 2u);
  const double n = 8192;
  KernelSpeeds diagonals;
  diagonals.diagonal = 1;  // 96 diagonals of 5 + 2 limbs, 128 of 2 + 2
  EXPECT_DOUBLE_EQ(1e6 * pass_milliseconds(plan, diagonals), n * (96 * 7 + 128 * 4));
  KernelSpeeds keys;
  keys.streamed_key = 1;
  // 15 baby steps and 4 keys of folds with 3 digits at 5 limbs, 31 and 4 with one at 2; products of 2 digits
  // at 4 and at 3 limbs.
  EXPECT_DOUBLE_EQ(1e6 * pass_milliseconds(plan, keys), 2 * n * (19 * 3 * 7 + 35 * 1 * 4 + 2 * 6 + 2 * 5));
}

TEST(Describe, TellsEveryStepsTimeAndTheSpecialPrimes) {
  KernelSpeeds slow = KernelSpeeds::reference();
  slow.transform *= 3;
  for (const LatencyPlan& plan : many_plans()) {
    for (const KernelSpeeds& speeds : {KernelSpeeds::reference(), slow}) {
      const std::string text = describe(plan, speeds);
      size_t at = 0;
      for (const double step : step_costs(plan, speeds)) {
        std::ostringstream time;
        time << "about " << std::round(100 * step) / 100 << " ms\n";
        const size_t found = text.find(time.str(), at);
        ASSERT_NE(found, std::string::npos) << time.str() << " in " << text;
        at = found + 1;
      }
      EXPECT_THAT(text, HasSubstr(std::to_string(plan.top_limbs()) + " primes and " +
                                  std::to_string(plan.params.special_primes.size()) + " special"));
    }
  }
}

}  // namespace
}  // namespace cryptotl
