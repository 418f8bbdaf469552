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
  Prediction ask(const TrainedHead& head, const Examples& examples) {
    Session session{std::move(client), std::move(keys)};
    Prediction out = predict(head, examples, &session, true);
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

TEST(ScoresFileTest, QuotesLabelsAsCsvWants) {
  Prediction prediction;
  prediction.calls = {{0, 0.25}, {1, 0.5}};
  prediction.flagged = {false, false};
  EXPECT_EQ(scores_csv(prediction, {"a,b", "say \"no\""}),
            "row,label,score\n1,\"a,b\",0.25\n2,\"say \"\"no\"\"\",0.5\n");
}

}  // namespace
}  // namespace cryptotl
