#include "cryptotl/transfer/plan_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/base/file.h"
#include "transfer/sealed_json.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

class PlanFile : public testing::Test {
 protected:
  Result<ModelMetadata> reading(const std::string& text) {
    write_text(path_, text);
    return read_plan_file(path_);
  }
  TemporaryFolder folder_ = test_folder();
  std::filesystem::path path_ = folder_.path() / "plan.json";
  ModelMetadata model_ = metadata_of(small_model());
};

TEST_F(PlanFile, ThatIsMissingIsNamed) {
  const auto model = read_plan_file(path_);
  EXPECT_EQ(model.error().code(), ErrorCode::not_found);
  EXPECT_THAT(model.error().what(), HasSubstr("plan.json"));
}

TEST_F(PlanFile, WithAnyByteFlippedIsRefused) {
  const std::string good = write_plan_file(model_);
  for (size_t i = 0; i < good.size(); i += 7) {
    std::string text = good;
    text[i] ^= 1;
    EXPECT_EQ(reading(text).error().code(), ErrorCode::malformed) << i;
  }
}

TEST_F(PlanFile, OfAnotherKindOrVersionIsRefused) {
  const nlohmann::json metadata = model_.to_json();
  EXPECT_EQ(reading(seal_json({{"metadata", metadata}})).error().code(), ErrorCode::malformed);
  EXPECT_EQ(reading(seal_json({{"format", "cryptotl-plan"}, {"metadata", metadata}})).error().code(),
            ErrorCode::unsupported_version);
  EXPECT_EQ(reading(seal_json({{"format", "cryptotl-plan"}, {"format_version", 2}, {"metadata", metadata}}))
                .error()
                .code(),
            ErrorCode::unsupported_version);
  EXPECT_EQ(reading(metadata.dump()).error().code(), ErrorCode::malformed);
}

TEST_F(PlanFile, ThatContradictsItselfIsRefused) {
  nlohmann::json metadata = model_.to_json();
  metadata["parameters"]["params_id"] = hex(Digest{});
  const auto model =
      reading(seal_json({{"format", "cryptotl-plan"}, {"format_version", 1}, {"metadata", metadata}}));
  EXPECT_EQ(model.error().code(), ErrorCode::malformed);
  EXPECT_THAT(model.error().what(), HasSubstr("params_id"));
}

TEST_F(PlanFile, HoldsWhatEncryptingTakesAndNothingOfTheProvidersHead) {
  model_.feature_mean = model_.feature_deviation = std::vector<double>(kSmallFeatures, 1.0);
  const ModelMetadata back = reading(write_plan_file(model_)).value();
  EXPECT_EQ(back.plan.to_json(), model_.plan.to_json());
  EXPECT_EQ(back.model_digest, model_.model_digest);
  EXPECT_EQ(back.params->id(), model_.params->id());
  EXPECT_EQ(back.scaler.to_json(), model_.scaler.to_json());
  EXPECT_EQ(back.embedder, model_.embedder);
  EXPECT_TRUE(model_.output_layer.has_value());
  EXPECT_FALSE(back.output_layer.has_value());
  EXPECT_TRUE(back.feature_mean.empty() && back.feature_deviation.empty());
}

TEST_F(PlanFile, KeepsTheDigestOfItsPlan) {
  const Digest before = plan_digest(model_.plan);
  EXPECT_EQ(plan_digest(reading(write_plan_file(model_)).value().plan), before);
  LatencyPlan other = model_.plan;
  other.input_scale *= 2;
  EXPECT_NE(plan_digest(other), before);
}

}  // namespace
}  // namespace cryptotl
