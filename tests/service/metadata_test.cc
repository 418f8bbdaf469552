#include "cryptotl/service/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/plan/planner.h"
#include "service/party.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

ModelMetadata small_metadata() {
  const Model model = small_model();
  const FoldedNetwork network = fold(model.lower).value();
  ModelMetadata out = ModelMetadata::of(model, plan_latency(network, model.calibration).value());
  for (const size_t samples : {256, 0}) {
    out.batches.push_back(BatchMetadata::of(
        out.model_digest, plan_batch(network, model.calibration, {.samples = samples}).value(), 7, 3.5,
        KernelSpeeds::reference()));
  }
  return out;
}

TEST(ModelMetadata, RefusesEveryPartThatIsMissingOrOfAnotherType) {
  const Json whole = small_metadata().to_json();
  ASSERT_TRUE(ModelMetadata::from_json(whole).ok());
  const Json flat = whole.flatten();
  for (const auto& [path, value] : flat.items()) {
    const Json::json_pointer pointer(path);
    // For people to read, or of no use to a client.
    if (path.starts_with("/versions") || path.starts_with("/platform") ||
        path.find("/plan/noise/") != std::string::npos) {
      continue;
    }
    for (const Json& wrong : {Json(nullptr), Json::object(), Json("x")}) {
      if (value.is_string() && wrong.is_string()) continue;
      Json bad = whole;
      bad[pointer] = wrong;
      EXPECT_FALSE(ModelMetadata::from_json(bad).ok()) << path << " = " << wrong;
    }
  }
  for (const Json& wrong : {Json(), Json(1), Json::array(), Json::object()}) {
    EXPECT_FALSE(ModelMetadata::from_json(wrong).ok());
  }
}

TEST(ModelMetadata, RefusesPartsThatDoNotFitTogether) {
  const Json whole = small_metadata().to_json();
  const std::pair<const char*, Json> kWrong[] = {
      {"/inputs/0/shape/0", 100},
      {"/outputs/0/shape/0", 100},
      {"/parameters/public_key_input_bytes", 100},
      {"/parameters/evaluation_key_bytes", 5},
      {"/parameters/params_id", std::string(64, '0')},
      {"/parameters/model_digest", std::string(63, '0')},
      {"/parameters/embedder/width", 21},
      {"/parameters/feature_mean", Json::array({1.0})},
      {"/parameters/feature_deviation", Json::array()},
      {"/parameters/output_layer/inputs", 12},
      {"/parameters/output_layer/outputs", 18446744073709551615u},
      {"/parameters/output_layer/outputs", 0},
      {"/parameters/plan/primes/0", 4},
      {"/parameters/plan/answer_bits", 60},
      {"/parameters/plan/answer_dropped_bits", 0},
      {"/parameters/batches/1/epoch", 8},
      {"/parameters/batches/1/epoch", -1},
      {"/parameters/batches/1/epoch", 7.0},
      {"/parameters/batches/1/seed", std::string(64, '0')},
      {"/parameters/batches/1/params_id", std::string(64, '0')},
      {"/parameters/batches/1/rows/count", 21},
      {"/parameters/batches/1/rows/bytes", 100},
      {"/parameters/batches/1/answers/count", 12},
      {"/parameters/batches/1/answers/bytes", 100},
      {"/parameters/batches/1/key_bytes", 5},
      {"/parameters/batches/1/batches_a_key_set", uint64_t{1} << 40},
      {"/parameters/batches/1/pass_ms", 0},
      {"/parameters/batches/1/batch_ms", -1.0},
      {"/parameters/batches/1/plan/widths/0", 19},
      {"/parameters/batches/1/plan/primes/0", 4},
      {"/parameters/batches/1/plan/input_range/1", 5.0},
      {"/parameters/answers", "scores"},
  };
  for (const auto& [path, value] : kWrong) {
    Json bad = whole;
    bad[Json::json_pointer(path)] = value;
    EXPECT_FALSE(ModelMetadata::from_json(bad).ok()) << path;
  }
}

TEST(ModelMetadata, SurvivesTheWayThroughText) {
  const ModelMetadata metadata = small_metadata();
  const auto back = ModelMetadata::from_json(Json::parse(metadata.to_json().dump()));
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back->to_json(), metadata.to_json());
  EXPECT_EQ(back->model_digest, metadata.model_digest);
  EXPECT_EQ(back->scaler, metadata.scaler);
  EXPECT_EQ(back->embedder, metadata.embedder);
  EXPECT_EQ(back->labels, metadata.labels);
  EXPECT_EQ(back->output_layer->weight.values, metadata.output_layer->weight.values);
  EXPECT_EQ(back->feature_deviation, metadata.feature_deviation);
  ASSERT_EQ(back->batches.size(), 2u);
  EXPECT_EQ(back->batches[1].seed, metadata.batches[1].seed);
  EXPECT_EQ(back->batches[0].epoch, 7u);
  EXPECT_EQ(back->batches[0].params->id(), metadata.batches[0].params->id());
  EXPECT_EQ(back->predicted_error(),
            std::max({metadata.plan.predicted_error, metadata.batches[0].plan.predicted_error,
                      metadata.batches[1].plan.predicted_error}));
}

TEST(ModelMetadata, RefusesKindsOfBatchesOutOfOrder) {
  Json json = small_metadata().to_json();
  Json& batches = json["parameters"]["batches"];
  std::swap(batches[0], batches[1]);
  EXPECT_FALSE(ModelMetadata::from_json(json).ok());
  batches = Json::array({batches[0], batches[0]});
  EXPECT_FALSE(ModelMetadata::from_json(json).ok()) << "twice the same";
  batches = Json::array();
  EXPECT_FALSE(ModelMetadata::from_json(json).ok()) << "none";
}

TEST(ModelMetadata, IsTheSameWithoutBatches) {
  ModelMetadata metadata = small_metadata();
  metadata.batches.clear();
  const auto back = ModelMetadata::from_json(metadata.to_json());
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_TRUE(back->batches.empty());
  EXPECT_EQ(back->predicted_error(), metadata.plan.predicted_error);
}

TEST(BatchMetadata, TheEpochOfTodayIsAWeekOfThisCentury) {
  EXPECT_GT(current_epoch(), 2900u);  // 2025
  EXPECT_LT(current_epoch(), 10000u);
}

TEST(ModelMetadata, LeavesOutWhatIsNotPublished) {
  Model model = small_model();
  model.output_layer.reset();
  model.feature_mean.clear();
  model.feature_deviation.clear();
  const auto metadata =
      ModelMetadata::of(model, plan_latency(fold(model.lower).value(), model.calibration).value());
  const auto back = ModelMetadata::from_json(metadata.to_json());
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_FALSE(back->output_layer.has_value());
  EXPECT_TRUE(back->feature_mean.empty());
}

}  // namespace
}  // namespace cryptotl
