#include "cryptotl/learn/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "clusters.h"
#include "cryptotl/base/error.h"
#include "cryptotl/learn/metrics.h"

namespace cryptotl {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Embeddings that tell the classes a little apart and features that do so well, or not at all.
struct Target {
  Clusters embeddings;
  Clusters features;
  ProviderKnowledge provider;
};

Target target(size_t rows, double feature_shift, size_t classes = 2) {
  Target made{clusters(rows, 24, classes, 0.02, 1), clusters(rows, 12, classes, feature_shift, 2), {}};
  made.provider.feature_mean.assign(12, 0.5);
  made.provider.feature_deviation.assign(12, 0.1);
  return made;
}

Head train(const Target& data, HeadKind kind) {
  HeadOptions options;
  options.kind = kind;
  options.training.batch = 16;
  options.training.epochs = 100;
  options.training.patience = 20;
  return train_head(data.embeddings.rows, data.features.rows, data.embeddings.labels, data.provider, options);
}

std::string refusal(const Target& data, HeadKind kind) {
  try {
    train(data, kind);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
}

TEST(TrainHead, RefusesAClassWithOneLabel) {
  Target data = target(20, 0.1);
  std::ranges::fill(data.embeddings.labels, 0);
  EXPECT_THAT(refusal(data, HeadKind::local), HasSubstr("at least two classes"));
  data.embeddings.labels[3] = 1;
  EXPECT_THAT(refusal(data, HeadKind::local), HasSubstr("class 1 has 1 labelled rows"));
}

TEST(TrainHead, RefusesDataThatDoNotFitTogether) {
  Target data = target(20, 0.1);
  data.features.rows = clusters(19, 12, 2, 0.1, 2).rows;
  EXPECT_THAT(refusal(data, HeadKind::linear), HasSubstr("20 labels for 19 rows of features"));
  data.features.rows = Matrix();
  EXPECT_THAT(refusal(data, HeadKind::combined), HasSubstr("needs the features"));
  EXPECT_EQ(refusal(data, HeadKind::local), "accepted");
  data = target(20, 0.1);
  data.embeddings.rows(4, 4) = std::nan("");
  EXPECT_THAT(refusal(data, HeadKind::automatic), HasSubstr("not finite"));
}

TEST(TrainHead, RefusesAnOutputLayerOfOtherClassesOrFeatures) {
  Target data = target(20, 0.1);
  data.provider.output_layer = Dense{Matrix(3, 12), std::vector<double>(3)};
  EXPECT_THAT(refusal(data, HeadKind::combined), HasSubstr("[3][12], where [1][12] is needed"));
  data.provider.output_layer = Dense{Matrix(1, 11), std::vector<double>(1)};
  EXPECT_THAT(refusal(data, HeadKind::combined), HasSubstr("[1][11]"));
  data.provider.output_layer.reset();
  data.provider.feature_deviation.pop_back();
  EXPECT_THAT(refusal(data, HeadKind::linear), HasSubstr("statistics are of 11 features, not 12"));
}

TEST(HeadKind, IsNamedAsOnTheCommandLine) {
  for (const HeadKind kind :
       {HeadKind::paper, HeadKind::linear, HeadKind::combined, HeadKind::local, HeadKind::automatic}) {
    EXPECT_EQ(head_kind(name(kind)), kind);
  }
  EXPECT_EQ(name(HeadKind::automatic), "auto");
  EXPECT_FALSE(head_kind("automatic").has_value());
}

TEST(TrainHead, GivesAPlainNetworkOfEveryKindOverItsInput) {
  const Target data = target(60, 0.1);
  for (const auto& [kind, width] : {std::pair(HeadKind::local, 24u), std::pair(HeadKind::linear, 12u),
                                    std::pair(HeadKind::combined, 36u), std::pair(HeadKind::paper, 12u)}) {
    SCOPED_TRACE(name(kind));
    const Head head = train(data, kind);
    EXPECT_EQ(head.kind, kind);
    EXPECT_EQ(head.network.input_width, width);
    EXPECT_EQ(output_width(head.network).value(), 1u);
    EXPECT_THAT(head.reason, StartsWith(std::string(name(kind))));
    EXPECT_EQ(head.reason.find('\n'), std::string::npos);
    const Matrix given = scores(head, data.embeddings.rows, data.features.rows);
    EXPECT_GT(measure(given, data.embeddings.labels).accuracy, kind == HeadKind::local ? 0.6 : 0.9);
  }
}

TEST(TrainHead, HandlesThreeClassesInEveryKind) {
  Target data = target(90, 0.15, 3);
  data.provider.output_layer = Dense{Matrix(3, 12), std::vector<double>(3)};
  for (const HeadKind kind : {HeadKind::linear, HeadKind::combined, HeadKind::paper, HeadKind::automatic}) {
    SCOPED_TRACE(name(kind));
    const Matrix given = scores(train(data, kind), data.embeddings.rows, data.features.rows);
    ASSERT_EQ(given.cols, 3u);
    EXPECT_GT(measure(given, data.embeddings.labels).accuracy, 0.7);
  }
}

TEST(TrainHead, DoesNotDependOnTheUnitsOfTheInput) {
  Target data = target(40, 0.05);
  const Matrix before = scores(train(data, HeadKind::combined), data.embeddings.rows, data.features.rows);
  for (double& value : data.features.rows.values) value = 1000 * value - 70;
  for (double& deviation : data.provider.feature_deviation) deviation *= 1000;
  for (double& value : data.embeddings.rows.values) value = 0.01 * value + 3;
  const Matrix after = scores(train(data, HeadKind::combined), data.embeddings.rows, data.features.rows);
  for (size_t r = 0; r < before.rows; ++r) EXPECT_NEAR(after(r, 0), before(r, 0), 1e-5);
}

TEST(TrainHead, CopesWithConstantInput) {
  Target data = target(20, 0.1);
  std::ranges::fill(data.embeddings.rows.values, 0.25);
  data.provider.feature_deviation[3] = 0;
  for (const HeadKind kind : {HeadKind::local, HeadKind::linear, HeadKind::combined}) {
    for (const double score : scores(train(data, kind), data.embeddings.rows, data.features.rows).values) {
      EXPECT_TRUE(std::isfinite(score));
    }
  }
}

TEST(AutomaticHead, TakesTheProviderWhereItHelpsAndSaysSo) {
  const Head head = train(target(40, 0.1), HeadKind::automatic);
  EXPECT_NE(head.kind, HeadKind::local);
  EXPECT_THAT(head.reason, HasSubstr("better by"));
  EXPECT_GT(head.sensitivity, 0);
}

TEST(AutomaticHead, StaysLocalWhereTheProviderDoesNotHelpAndSaysSo) {
  Target data = target(60, 0);
  data.embeddings = clusters(60, 24, 2, 0.1, 5);
  const Head head = train(data, HeadKind::automatic);
  EXPECT_EQ(head.kind, HeadKind::local);
  EXPECT_THAT(head.reason, HasSubstr("not better than local"));
  EXPECT_EQ(head.sensitivity, 0);
}

TEST(CombinedHead, LeansOnAPublishedOutputLayerThatFits) {
  Target data = target(10, 0.05);
  const Target fresh{clusters(400, 24, 2, 0.02, 11), clusters(400, 12, 2, 0.05, 12), {}};
  const auto accuracy = [&] {
    return measure(scores(train(data, HeadKind::combined), fresh.embeddings.rows, fresh.features.rows),
                   fresh.features.labels)
        .accuracy;
  };
  const double without = accuracy();
  // The direction along which clusters() tells its classes apart.
  Dense layer{Matrix(1, 12), {0}};
  for (size_t c = 0; c < 12; ++c) layer.weight(0, c) = c % 2 == 1 ? 10 : -10;
  data.provider.output_layer = layer;
  EXPECT_GE(accuracy(), without);
  EXPECT_THAT(train(data, HeadKind::combined).reason, HasSubstr("trust in the provider's output layer"));
}

TEST(Head, BoundsWhatAnErrorOfTheFeaturesCanDo) {
  const Target data = target(60, 0.05);
  for (const HeadKind kind : {HeadKind::linear, HeadKind::combined, HeadKind::paper}) {
    SCOPED_TRACE(name(kind));
    const Head head = train(data, kind);
    Network logits = head.network;
    logits.layers.pop_back();
    const Head bare{kind, logits, {}, 0, {}};
    Matrix moved = data.features.rows;
    for (size_t i = 0; i < moved.values.size(); ++i) moved.values[i] += i % 3 == 0 ? 1e-3 : -1e-3;
    const Matrix before = scores(bare, data.embeddings.rows, data.features.rows);
    const Matrix after = scores(bare, data.embeddings.rows, moved);
    for (size_t r = 0; r < before.rows; ++r) {
      EXPECT_LE(std::abs(after(r, 0) - before(r, 0)), head.sensitivity * 1e-3 * (1 + 1e-9));
    }
  }
}

TEST(TrainHead, SearchesOnADrawOfManyRowsButFitsThemAll) {
  const Target data = target(900, 0.02);
  const Head head = train(data, HeadKind::automatic);
  EXPECT_GT(measure(scores(head, data.embeddings.rows, data.features.rows), data.embeddings.labels).accuracy,
            0.75);
  EXPECT_EQ(train(data, HeadKind::automatic).reason, head.reason);
}

TEST(TrainHead, RepeatsItselfWithTheSameSeed) {
  const Target data = target(40, 0.05);
  for (const HeadKind kind : {HeadKind::automatic, HeadKind::paper}) {
    const Matrix first = scores(train(data, kind), data.embeddings.rows, data.features.rows);
    EXPECT_EQ(scores(train(data, kind), data.embeddings.rows, data.features.rows).values, first.values);
  }
}

}  // namespace
}  // namespace cryptotl
