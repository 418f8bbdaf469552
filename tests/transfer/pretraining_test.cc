#include "cryptotl/transfer/pretraining.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/base/file.h"
#include "cryptotl/plan/planner.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

Examples separable(size_t rows, uint64_t seed) {
  Examples out;
  out.source = "source";
  out.embeddings = uniform_matrix(rows, kSmallInputs, seed);
  out.embedder = external_embedder("numbers", kSmallInputs);
  for (size_t i = 0; i < rows; ++i) {
    out.embeddings(i, 0) += i % 2 == 0 ? 0.0 : 3.0;
    out.labels.push_back(i % 2 == 0 ? "ham" : "spam");
  }
  return out;
}

PretrainingOptions quick() {
  PretrainingOptions options;
  options.training.epochs = 5;
  return options;
}

TEST(PretrainingTest, RefusesOneLabelAlone) {
  Examples examples = separable(20, 1);
  for (std::string& label : examples.labels) label = "ham";
  EXPECT_EQ(code_of([&] { pretrain_model(examples, quick()); }), ErrorCode::malformed);
}

TEST(PretrainingTest, RefusesALabelOfOneRowByItsName) {
  Examples examples = separable(20, 1);
  examples.labels[7] = "rare";
  try {
    pretrain_model(examples, quick());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::malformed);
    EXPECT_NE(std::string(error.what()).find("label 'rare' has 1 row"), std::string::npos) << error.what();
  }
}

TEST(PretrainingTest, PublishesAnOutputOfEachOfSeveralLabels) {
  Examples examples = separable(90, 1);
  for (size_t i = 0; i < 90; i += 3) examples.labels[i] = "both";
  const PretrainedModel made = pretrain_model(examples, quick());
  EXPECT_EQ(made.model.labels, (std::vector<std::string>{"both", "ham", "spam"}));
  EXPECT_EQ(made.model.output_layer->weight.rows, 3u);
  EXPECT_EQ(made.model.output_layer->weight.cols, kSmallInputs - 2);
}

TEST(PretrainingTest, RefusesAWidthThatNoPlanServesBeforeItTrains) {
  Examples examples = separable(20, 1);
  examples.embeddings = uniform_matrix(20, 4097, 1);
  bool trained = false;
  EXPECT_EQ(code_of([&] { pretrain_model(examples, quick(), [&](size_t, size_t) { trained = true; }); }),
            ErrorCode::malformed);
  EXPECT_FALSE(trained);
}

TEST(PretrainingTest, RefusesANetworkOfAnotherWidth) {
  PretrainingOptions options = quick();
  options.network = paper_lower(kSmallInputs + 1, 1);
  EXPECT_EQ(code_of([&] { pretrain_model(separable(20, 1), options); }), ErrorCode::parameter_mismatch);
}

TEST(PretrainingTest, RecordsWhatAServerAndItsClientsNeed) {
  const Examples examples = separable(60, 1);
  const PretrainedModel made = pretrain_model(examples, quick());
  EXPECT_EQ(made.model.labels, (std::vector<std::string>{"ham", "spam"}));
  EXPECT_EQ(made.model.scaler, MinMaxScaler::fit(examples.embeddings));
  EXPECT_EQ(made.model.embedder, examples.embedder);
  EXPECT_EQ(made.model.calibration.input, (ValueRange{0, 1}));
  EXPECT_EQ(made.model.feature_mean.size(), kSmallInputs - 2);
  ASSERT_TRUE(made.model.output_layer);
  EXPECT_EQ(made.plan.to_json(),
            plan_latency(fold(made.model.lower).value(), made.model.calibration).value().to_json());
}

TEST(PretrainingTest, KeepsTheOutputLayerWhereItIsToStayPrivate) {
  PretrainingOptions options = quick();
  options.publish_output_layer = false;
  EXPECT_FALSE(pretrain_model(separable(60, 1), options).model.output_layer);
}

TEST(PretrainingTest, TheSameSeedGivesTheSameModel) {
  PretrainingOptions options = quick();
  const Digest first = model_digest(pretrain_model(separable(60, 1), options).model);
  EXPECT_EQ(model_digest(pretrain_model(separable(60, 1), options).model), first);
  options.training.seed = 1;
  EXPECT_NE(model_digest(pretrain_model(separable(60, 1), options).model), first);
}

TEST(PretrainingTest, AModelInTheWayIsReplacedOnlyOnDemandAndWithItsKeyStoreKept) {
  const TemporaryFolder folder = test_folder();
  const auto path = folder.path() / "model";
  save_whole_model(path, small_model(1), false).value();
  std::filesystem::create_directory(path / "keys");
  EXPECT_FALSE(save_whole_model(path, small_model(2), false).ok());
  EXPECT_EQ(model_digest(load_model(path).value()), model_digest(small_model(1)));
  ASSERT_TRUE(save_whole_model(path, small_model(2), true).ok());
  EXPECT_EQ(model_digest(load_model(path).value()), model_digest(small_model(2)));
  EXPECT_TRUE(std::filesystem::exists(path / "keys"));
}

}  // namespace
}  // namespace cryptotl
