#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cryptotl/transfer/fitting.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A model of so many labels, calibrated for its own scores.
Model scoring_model(size_t labels) {
  Model model = small_model();
  model.labels.clear();
  for (size_t i = 0; i < labels; ++i) model.labels.push_back("label " + std::to_string(i));
  model.output_layer = dense_of_uniform_numbers(labels == 2 ? 1 : labels, kSmallFeatures, 11);
  for (double& weight : model.output_layer->weight.values) weight *= 6;
  const Matrix rows = uniform_matrix(50, kSmallInputs, 7);
  // Centred, so that every label is called.
  std::ranges::fill(model.output_layer->bias, 0.0);
  const Matrix plain = forward(append(fold(model.lower).value(), *model.output_layer), rows);
  for (size_t i = 0; i < plain.values.size(); ++i)
    model.output_layer->bias[i % plain.cols] -= plain.values[i] / static_cast<double>(plain.rows);
  model.score_calibration = calibrate(append(fold(model.lower).value(), *model.output_layer), rows);
  return model;
}

Examples examples_of(const Model& model, size_t rows, uint64_t seed) {
  Examples out;
  out.source = "examples";
  out.embeddings = uniform_matrix(rows, kSmallInputs, seed);
  out.embedder = model.embedder;
  return out;
}

/// What the output layer and the function behind it make of features.
Matrix probabilities(const Model& model, const Matrix& features) {
  Network network{kSmallFeatures, {*model.output_layer}};
  if (model.labels.size() == 2) {
    network.layers.emplace_back(Sigmoid{});
  } else {
    network.layers.emplace_back(Softmax{});
  }
  return forward(network, features);
}

/// A server that offers both, and a client with keys for each on disk.
class ServerOnly : public testing::TestWithParam<size_t> {
 protected:
  ServerOnly() : model_(scoring_model(GetParam())), server_(SmallWorld::start(model_, folder_.path())) {
    for (const Answers answers : {Answers::features, Answers::scores}) {
      ServiceClient client = connect(answers);
      ClientKeys::generate(client.metadata()).save(keys(answers), false).value();
    }
  }
  ServiceClient connect(Answers answers) {
    ClientOptions options;
    options.answers = answers;
    return ServiceClient::connect(server_->url(), options).value();
  }
  fs::path keys(Answers answers) const { return folder_.path() / name(answers); }
  Session open(Answers answers, bool use_cache = false) {
    return open(answers, keys(answers), use_cache).value();
  }
  Result<Session> open(Answers answers, const fs::path& folder, bool use_cache = false) {
    SessionOptions options;
    options.answers = answers;
    options.use_cache = use_cache;
    return Session::open(server_->url(), folder, options);
  }

  TemporaryFolder folder_ = test_folder();
  Model model_;
  std::unique_ptr<Server> server_;
};

TEST_P(ServerOnly, RefusesKeysForFeaturesAndTheOtherWayRound) {
  const auto scores = open(Answers::scores, keys(Answers::features));
  ASSERT_FALSE(scores.ok());
  EXPECT_EQ(scores.error().code(), ErrorCode::parameter_mismatch);
  EXPECT_THAT(scores.error().what(), HasSubstr("for features, not for scores"));
  EXPECT_THAT(scores.error().what(), HasSubstr("keygen --server-only"));
  const auto features = open(Answers::features, keys(Answers::scores));
  ASSERT_FALSE(features.ok());
  EXPECT_EQ(features.error().code(), ErrorCode::parameter_mismatch);
}

TEST_P(ServerOnly, RefusesExamplesOfAnotherEmbedderAndASessionForFeatures) {
  Examples examples = examples_of(model_, 2, 3);
  Session features = open(Answers::features);
  EXPECT_EQ(code_of([&] { predict_server_only(examples, features, true); }), ErrorCode::parameter_mismatch);
  examples.embedder.name = "another";
  Session scores = open(Answers::scores);
  EXPECT_EQ(code_of([&] { predict_server_only(examples, scores, true); }), ErrorCode::parameter_mismatch);
}

TEST_P(ServerOnly, GivesTheScoresOfTheProvidersOutputLayerOnFeatures) {
  const Examples examples = examples_of(model_, 20, 3);
  Session scoring = open(Answers::scores);
  const Prediction prediction = predict_server_only(examples, scoring, true);
  const Matrix plain = probabilities(model_, forward(model_.lower, examples.embeddings));
  Session features = open(Answers::features);
  const Extraction extraction = FeatureExtractor(features.client, features.keys).extract(examples.embeddings);
  const Matrix through_features = probabilities(model_, extraction.features);

  // An error of every feature moves a score by as much as the row's weights together.
  double weights = 0;
  for (size_t r = 0; r < model_.output_layer->weight.rows; ++r) {
    double sum = 0;
    for (const double weight : model_.output_layer->weight.row(r)) sum += std::abs(weight);
    weights = std::max(weights, sum);
  }
  const double feature_error = features.client.metadata().plan.predicted_error;
  const double other_bound = weights * feature_error / (GetParam() == 2 ? 4 : 2);
  ASSERT_GT(prediction.score_bound, 0);
  ASSERT_LT(prediction.score_bound, 1e-4);
  ASSERT_EQ(prediction.scores.cols, GetParam() == 2 ? 1 : GetParam());
  for (size_t i = 0; i < plain.values.size(); ++i) {
    EXPECT_NEAR(prediction.scores.values[i], plain.values[i], prediction.score_bound);
    EXPECT_NEAR(prediction.scores.values[i], through_features.values[i],
                prediction.score_bound + other_bound);
  }
  const std::vector<Call> expected = calls(plain);
  std::vector<size_t> seen(GetParam());
  for (size_t i = 0; i < examples.rows(); ++i) {
    EXPECT_EQ(prediction.calls[i].label, expected[i].label) << i;
    ++seen[static_cast<size_t>(expected[i].label)];
  }
  EXPECT_LT(*std::ranges::max_element(seen), examples.rows()) << "one label alone tests little";
}

TEST_P(ServerOnly, KeepsScoresInACacheThatFeaturesOfTheSameRowsDoNotMeet) {
  const Examples examples = examples_of(model_, 5, 3);
  SessionOptions options;
  options.cache_file = folder_.path() / "shared.cache";
  Session features = Session::open(server_->url(), keys(Answers::features), options).value();
  auto cache = features.open_cache();
  FeatureExtractor(features.client, features.keys).extract(examples.embeddings, {}, &*cache);
  cache.reset();
  options.answers = Answers::scores;
  Session scoring = Session::open(server_->url(), keys(Answers::scores), options).value();
  const Prediction first = predict_server_only(examples, scoring, true);
  EXPECT_EQ(first.extraction->cached, 0u);
  const Prediction second = predict_server_only(examples, scoring, true);
  EXPECT_EQ(second.extraction->cached, 5u);
  EXPECT_EQ(second.scores.values, first.scores.values);
}

TEST_P(ServerOnly, FlagsAnswersBeyondTheSafeRange) {
  Model narrow = model_;
  const ValueRange output = narrow.score_calibration->output;
  const double largest = std::max(-output.low, output.high);
  narrow.score_calibration->output = {-0.35 * largest, 0.35 * largest};
  server_ = SmallWorld::start(narrow, folder_.path());
  fs::remove_all(keys(Answers::scores));
  ClientKeys::generate(connect(Answers::scores).metadata()).save(keys(Answers::scores), false).value();
  Session scoring = open(Answers::scores);
  const Prediction prediction = predict_server_only(examples_of(model_, 30, 3), scoring, true);
  const auto flagged = std::ranges::count(prediction.flagged, true);
  ASSERT_GT(flagged, 0);
  ASSERT_LT(flagged, 30);
  EXPECT_THAT(prediction.warnings.back(), HasSubstr("safe range"));
  const std::string csv = scores_csv(prediction, narrow.labels);
  for (size_t i = 0; i < 30; ++i) {
    const std::string commas(GetParam() == 2 ? 2 : 1 + GetParam(), ',');
    EXPECT_EQ(csv.find("\n" + std::to_string(i + 1) + commas + "\n") != std::string::npos,
              prediction.flagged[i])
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Labels, ServerOnly, testing::Values(2, 3));

}  // namespace
}  // namespace cryptotl
