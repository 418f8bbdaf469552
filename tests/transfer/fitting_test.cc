#include "cryptotl/transfer/fitting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Rows whose label the provider's network tells apart.
Examples examples_of(const Model& model, size_t rows, uint64_t seed) {
  Examples out;
  out.source = "examples";
  out.embeddings = uniform_matrix(rows, kSmallInputs, seed);
  out.embedder = model.embedder;
  const Matrix features = forward(model.lower, out.embeddings);
  std::vector<double> first;
  for (size_t i = 0; i < rows; ++i) first.push_back(features(i, 0));
  std::vector<double> sorted = first;
  std::ranges::sort(sorted);
  for (const double value : first) out.labels.push_back(value > sorted[rows / 2] ? "good" : "bad");
  return out;
}

struct Fitted : SmallWorld {
  explicit Fitted(Model served = small_model()) : SmallWorld(std::move(served)) {}
  /// Answers that stay of use with the noise of a release.
  void serve_precisely() {
    ServerOptions options;
    options.key_store = folder.path() / "precise";
    options.offer = Offer::features;
    options.batches.offer = false;
    options.plan.precision = kAccuratePrecision;
    server = Server::start(model, options).value();
    client = ServiceClient::connect(server->url()).value();
    keys = ClientKeys::generate(client.metadata());
    keys.upload(client).value();
  }
  FitResult fit(const Examples& examples, HeadKind kind) {
    Session session{std::move(client), std::move(keys)};
    FitOptions options;
    options.kind = kind;
    options.quiet = true;
    FitResult result = fit_head_to(examples, kind == HeadKind::local ? nullptr : &session, options);
    client = std::move(session.client);
    keys = std::move(session.keys);
    return result;
  }
  Prediction ask(const TrainedHead& head, const Examples& examples,
                 const std::optional<ReleasePolicy>& policy = {}) {
    Session session{std::move(client), std::move(keys)};
    Prediction out = predict(head, examples, &session, true, policy);
    client = std::move(session.client);
    keys = std::move(session.keys);
    return out;
  }
};

TEST(FittingTest, RefusesOneLabelAlone) {
  Fitted world;
  Examples examples = examples_of(world.model, 10, 1);
  for (std::string& label : examples.labels) label = "good";
  EXPECT_EQ(code_of([&] { world.fit(examples, HeadKind::local); }), ErrorCode::malformed);
}

TEST(FittingTest, RefusesALabelOfOneRow) {
  Fitted world;
  Examples examples = examples_of(world.model, 10, 1);
  examples.labels[0] = "rare";
  EXPECT_EQ(code_of([&] { world.fit(examples, HeadKind::local); }), ErrorCode::malformed);
}

TEST(FittingTest, RefusesExamplesOfAnotherEmbedder) {
  Fitted world;
  Examples examples = examples_of(world.model, 10, 1);
  examples.embedder.name = "another";
  EXPECT_EQ(code_of([&] { world.fit(examples, HeadKind::linear); }), ErrorCode::parameter_mismatch);
}

TEST(FittingTest, RefusesAHeadOfAnotherModel) {
  Fitted world;
  FitResult fitted = world.fit(examples_of(world.model, 20, 1), HeadKind::linear);
  fitted.trained.model[0] ^= 1;
  EXPECT_EQ(code_of([&] { world.ask(fitted.trained, examples_of(world.model, 2, 3)); }),
            ErrorCode::parameter_mismatch);
}

TEST(FittingTest, EveryKindOfHeadLearnsAndClassifiesThroughEncryption) {
  Fitted world;
  const Examples training = examples_of(world.model, 80, 1);
  const Examples fresh = examples_of(world.model, 40, 2);
  for (const HeadKind kind : {HeadKind::paper, HeadKind::linear, HeadKind::combined, HeadKind::automatic}) {
    const FitResult fitted = world.fit(training, kind);
    EXPECT_EQ(fitted.trained.asked, kind);
    EXPECT_EQ(fitted.rows, 80u);
    const Prediction prediction = world.ask(fitted.trained, fresh);
    size_t right = 0;
    for (size_t i = 0; i < fresh.rows(); ++i) {
      right +=
          fitted.trained.labels[static_cast<size_t>(prediction.calls[i].label)] == fresh.labels[i] ? 1 : 0;
    }
    EXPECT_GE(right, kind == HeadKind::paper ? 1u : 32u) << name(kind);
    EXPECT_EQ(prediction.extraction->times.server.size(), 40u);
  }
}

TEST(FittingTest, ScoresThroughEncryptionAreThePlainOnesWithinTheirBound) {
  Fitted world;
  const FitResult fitted = world.fit(examples_of(world.model, 60, 1), HeadKind::linear);
  const Examples fresh = examples_of(world.model, 30, 2);
  const Prediction prediction = world.ask(fitted.trained, fresh);
  const Matrix plain =
      scores(fitted.trained.head, fresh.embeddings, forward(world.model.lower, fresh.embeddings));
  EXPECT_GT(fitted.trained.score_bound(), 0);
  for (size_t i = 0; i < fresh.rows(); ++i) {
    EXPECT_LE(std::abs(prediction.calls[i].score - plain(i, 0)), fitted.trained.score_bound());
    const double margin = std::abs(std::log(plain(i, 0)) - std::log1p(-plain(i, 0)));
    if (margin > 2 * fitted.trained.logit_bound()) {
      EXPECT_EQ(prediction.calls[i].label, plain(i, 0) >= 0.5 ? 1 : 0);
    }
  }
}

TEST(FittingTest, RefusesMoreRowsThanAreToBeReleased) {
  Fitted world;
  const TrainedHead head = world.fit(examples_of(world.model, 60, 1), HeadKind::linear).trained;
  Session session{std::move(world.client), std::move(world.keys)};
  EXPECT_EQ(code_of([&] {
              predict(head, examples_of(world.model, 11, 2), &session, true, ReleasePolicy{.releases = 10});
            }),
            ErrorCode::invalid_argument);
}

TEST(FittingTest, ReleasedScoresAreOthersWithinTheirBoundAndNeverTheRawOnes) {
  Fitted world;
  world.serve_precisely();
  const TrainedHead head = world.fit(examples_of(world.model, 60, 1), HeadKind::linear).trained;
  const Examples fresh = examples_of(world.model, 30, 2);
  const Prediction raw = world.ask(head, fresh);
  const ReleasePolicy policy{.releases = 30, .bits = 30};
  const Prediction released = world.ask(head, fresh, policy);
  EXPECT_EQ(raw.release_deviation, 0);
  EXPECT_EQ(released.release_deviation, release_deviation(head.predicted_error, kSmallFeatures, policy));
  EXPECT_GT(released.score_bound, raw.score_bound);
  ASSERT_LT(released.score_bound, 0.5) << "a bound that nothing could miss";
  size_t moved = 0;
  for (size_t i = 0; i < fresh.rows(); ++i) {
    moved += std::abs(released.scores(i, 0) - raw.scores(i, 0)) > raw.score_bound ? 1 : 0;
    EXPECT_NEAR(released.scores(i, 0), raw.scores(i, 0), released.score_bound);
  }
  EXPECT_GT(moved, 0u);  // where a score is not 0 or 1 to all digits
}

TEST(FittingTest, ALocalHeadNeedsNoServer) {
  const Examples examples = examples_of(small_model(), 40, 1);
  FitOptions options;
  options.kind = HeadKind::local;
  options.quiet = true;
  const FitResult fitted = fit_head_to(examples, nullptr, options);
  EXPECT_FALSE(fitted.extraction);
  EXPECT_FALSE(fitted.trained.asks_server());
  EXPECT_EQ(predict(fitted.trained, examples, nullptr, true).calls.size(), 40u);
  EXPECT_EQ(write_head(fitted.trained).value(),
            write_head(fit_head_to(examples, nullptr, options).trained).value());
}

TEST(FittingTest, FlaggedRowsAreLeftOutOfTrainingAndMarkedInPredictions) {
  Model narrow = small_model();
  const double largest = std::max(-narrow.calibration.output.low, narrow.calibration.output.high);
  narrow.calibration.output = {-0.38 * largest, 0.38 * largest};
  Fitted world(narrow);
  const Examples examples = examples_of(world.model, 60, 1);
  const FitResult fitted = world.fit(examples, HeadKind::linear);
  ASSERT_LT(fitted.rows, 60u);
  EXPECT_EQ(fitted.rows, fitted.extraction->usable().size());
  EXPECT_THAT(fitted.warnings.back(), HasSubstr("left out"));
  const Prediction prediction = world.ask(fitted.trained, examples);
  EXPECT_EQ(prediction.flagged, fitted.extraction->flagged);
  const std::string csv = scores_csv(prediction, fitted.trained.labels);
  for (size_t i = 0; i < 60; ++i) {
    const std::string marked = "\n" + std::to_string(i + 1) + ",,\n";
    if (prediction.flagged[i]) {
      EXPECT_THAT(csv, HasSubstr(marked));
    } else {
      EXPECT_THAT(csv, Not(HasSubstr(marked)));
    }
  }
}

TEST(FittingTest, TheProvidersOutputLayerCountsOnlyForItsOwnLabels) {
  const ModelMetadata model = metadata_of(small_model());
  EXPECT_TRUE(provider_knowledge(model, {"bad", "good"}).output_layer);
  EXPECT_FALSE(provider_knowledge(model, {"ham", "spam"}).output_layer);
}

TEST(FittingTest, AClientWithSomeOfTheProvidersLabelsGetsTheirPartOfItsOutputLayer) {
  Model model = small_model();
  model.labels = {"a", "b", "c", "d"};
  model.output_layer = dense_of_uniform_numbers(4, kSmallFeatures, 9);
  const ModelMetadata metadata = metadata_of(model);
  const Dense& all = *model.output_layer;
  EXPECT_EQ(provider_knowledge(metadata, model.labels).output_layer->weight.values, all.weight.values);
  const Dense three = *provider_knowledge(metadata, {"d", "a", "b"}).output_layer;
  ASSERT_EQ(three.weight.rows, 3u);
  for (size_t c = 0; c < kSmallFeatures; ++c) {
    EXPECT_EQ(three.weight(0, c), all.weight(3, c));
    EXPECT_EQ(three.weight(2, c), all.weight(1, c));
  }
  EXPECT_EQ(three.bias, (std::vector<double>{all.bias[3], all.bias[0], all.bias[1]}));
  const Dense two = *provider_knowledge(metadata, {"b", "d"}).output_layer;
  ASSERT_EQ(two.weight.rows, 1u);
  EXPECT_EQ(two.weight(0, 2), all.weight(3, 2) - all.weight(1, 2));
  EXPECT_EQ(two.bias[0], all.bias[3] - all.bias[1]);
  EXPECT_FALSE(provider_knowledge(metadata, {"a", "e"}).output_layer);
}

TEST(FittingTest, ThreeLabelsGoThroughEncryptionWithEveryKindOfHead) {
  Model model = small_model();
  model.labels = {"bad", "fair", "good"};
  model.output_layer = dense_of_uniform_numbers(3, kSmallFeatures, 9);
  Fitted world(model);
  const auto three_labels = [&](size_t rows, uint64_t seed) {
    Examples out = examples_of(world.model, rows, seed);
    for (size_t i = 0; i < rows; ++i) {
      if (out.embeddings(i, 0) < 0.3) out.labels[i] = "fair";
    }
    return out;
  };
  const Examples training = three_labels(90, 1), fresh = three_labels(45, 2);
  for (const HeadKind kind : {HeadKind::paper, HeadKind::linear, HeadKind::combined, HeadKind::automatic}) {
    const TrainedHead head = read_head(write_head(world.fit(training, kind).trained).value()).value();
    EXPECT_EQ(head.labels, model.labels);
    const Prediction prediction = world.ask(head, fresh);
    const Matrix plain = scores(head.head, fresh.embeddings, forward(world.model.lower, fresh.embeddings));
    ASSERT_EQ(prediction.scores.cols, 3u);
    size_t right = 0;
    for (size_t i = 0; i < fresh.rows(); ++i) {
      right += head.labels[static_cast<size_t>(prediction.calls[i].label)] == fresh.labels[i] ? 1 : 0;
      for (size_t c = 0; c < 3; ++c)
        EXPECT_LE(std::abs(prediction.scores(i, c) - plain(i, c)), head.score_bound() + 1e-12);
    }
    EXPECT_GE(right, kind == HeadKind::paper ? 1u : 30u) << name(kind);
  }
}

TEST(ScoresFileTest, QuotesLabelsAsCsvWants) {
  Prediction prediction;
  prediction.calls = {{0, 0.25}, {1, 0.5}};
  prediction.scores = Matrix(2, 1);
  prediction.scores.values = {0.25, 0.5};
  prediction.flagged = {false, false};
  EXPECT_EQ(scores_csv(prediction, {"a,b", "say \"no\""}),
            "row,label,score\n1,\"a,b\",0.25\n2,\"say \"\"no\"\"\",0.5\n");
}

TEST(ScoresFileTest, HasAColumnALabelWhereThereAreMoreThanTwo) {
  Prediction prediction;
  prediction.calls = {{2, 0.5}, {0, 0.75}};
  prediction.scores = Matrix(2, 3);
  prediction.scores.values = {0.25, 0.25, 0.5, 0.75, 0.125, 0.125};
  prediction.flagged = {false, true};
  EXPECT_EQ(scores_csv(prediction, {"a", "b,c", "d"}),
            "row,label,score:a,\"score:b,c\",score:d\n1,d,0.25,0.25,0.5\n2,,,,\n");
}

}  // namespace
}  // namespace cryptotl
