#include "cryptotl/learn/pretrain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "clusters.h"
#include "cryptotl/learn/metrics.h"
#include "cryptotl/network/folding.h"

namespace cryptotl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

PretrainOptions quick(size_t epochs) {
  PretrainOptions options;
  options.training.epochs = epochs;
  options.training.batch = 16;
  return options;
}

std::string refusal(const Clusters& data, const PretrainOptions& options = {}) {
  try {
    pretrain(data.rows, data.labels, options);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
}

TEST(Pretrain, RefusesASingleClass) {
  Clusters data = clusters(20, 8, 2, 0.2, 0);
  std::ranges::fill(data.labels, 0);
  EXPECT_THAT(refusal(data), HasSubstr("at least two classes"));
}

TEST(Pretrain, RefusesLabelsThatDoNotFitTheRows) {
  Clusters data = clusters(20, 8, 2, 0.2, 0);
  data.labels.pop_back();
  EXPECT_THAT(refusal(data), HasSubstr("19 labels for 20 rows"));
}

TEST(Pretrain, RefusesANetworkOfAnotherWidth) {
  PretrainOptions options;
  options.network = paper_lower(9, 0);
  EXPECT_THAT(refusal(clusters(20, 8, 2, 0.2, 0), options),
              HasSubstr("rows of 8 numbers for a network that takes 9"));
}

TEST(Pretrain, RefusesRowsTooNarrowForThePaper) {
  EXPECT_THAT(refusal(clusters(20, 2, 2, 0.2, 0)), HasSubstr("at least 3"));
}

TEST(Pretrain, SaysWhenTheNumbersAreNoLongerFinite) {
  PretrainOptions options;
  options.network = Network{8, {Polynomial{{0, 0, 0, 1e30}}}};
  options.network->layers.push_back(Polynomial{{0, 0, 0, 1e30}});
  EXPECT_THAT(refusal(clusters(20, 8, 2, 0.2, 0), options), HasSubstr("not finite in epoch 1"));
}

TEST(PaperLower, HasThePapersLayers) {
  const Network lower = paper_lower(768, 0);
  ASSERT_EQ(lower.layers.size(), 5u);
  EXPECT_EQ(std::get<Conv1D>(lower.layers[0]).kernel.size(), 9u);
  EXPECT_EQ(std::get<Dense>(lower.layers[1]).weight.rows, 768u);
  EXPECT_EQ(std::get<Polynomial>(lower.layers[2]).coefficients, kPaperCubic.coefficients);
  EXPECT_EQ(std::get<AveragePool1D>(lower.layers[3]).width, 3u);
  EXPECT_EQ(output_width(lower).value(), 766u);
  EXPECT_TRUE(fold(lower).ok());
}

TEST(Pretrain, LearnsTwoClassesAndGivesADoubleNetworkWhoseOutputLayerTellsThem) {
  const Clusters data = clusters(200, 12, 2, 0.15, 1);
  const Pretrained pretrained = pretrain(data.rows, data.labels, quick(40));
  EXPECT_GT(pretrained.validation_accuracy, 0.9);
  Network whole = pretrained.lower;
  whole.layers.push_back(pretrained.output_layer);
  whole.layers.push_back(Sigmoid{});
  EXPECT_GT(measure(forward(whole, data.rows), data.labels).accuracy, 0.95);
}

TEST(Pretrain, LearnsThreeClasses) {
  const Clusters data = clusters(240, 12, 3, 0.2, 2);
  const Pretrained pretrained = pretrain(data.rows, data.labels, quick(40));
  EXPECT_EQ(pretrained.output_layer.weight.rows, 3u);
  Network whole = pretrained.lower;
  whole.layers.push_back(pretrained.output_layer);
  whole.layers.push_back(Softmax{});
  EXPECT_GT(measure(forward(whole, data.rows), data.labels).accuracy, 0.95);
}

TEST(Pretrain, KeepsTheBestEpochAndStopsSoonAfterIt) {
  const Clusters data = clusters(60, 8, 2, 0.02, 3);
  PretrainOptions options = quick(200);
  options.training.patience = 3;
  const Pretrained pretrained = pretrain(data.rows, data.labels, options);
  ASSERT_LT(pretrained.curve.size(), 200u);
  size_t best = 0;
  for (size_t e = 0; e < pretrained.curve.size(); ++e) {
    if (pretrained.curve[e].validation_loss < pretrained.curve[best].validation_loss) best = e;
  }
  EXPECT_EQ(pretrained.curve.size(), best + 1 + 3);
  EXPECT_EQ(pretrained.validation_loss, pretrained.curve[best].validation_loss);
}

TEST(Pretrain, RepeatsItselfWithTheSameSeedAlone) {
  const Clusters data = clusters(80, 8, 2, 0.1, 4);
  PretrainOptions options = quick(3);
  const auto weights = [&] {
    return std::get<Dense>(pretrain(data.rows, data.labels, options).lower.layers[1]).weight.values;
  };
  const auto first = weights();
  EXPECT_EQ(weights(), first);
  options.training.seed = 1;
  EXPECT_NE(weights(), first);
}

TEST(Pretrain, StartsFromAGivenNetwork) {
  const Clusters data = clusters(80, 8, 2, 0.1, 5);
  PretrainOptions options = quick(1);
  options.training.learning_rate = 1e-9;
  options.network = paper_lower(8, 77);
  options.network->layers.push_back(AveragePool1D{2});
  const Pretrained pretrained = pretrain(data.rows, data.labels, options);
  EXPECT_EQ(output_width(pretrained.lower).value(), 5u);
  EXPECT_EQ(pretrained.output_layer.weight.cols, 5u);
  const auto& given = std::get<Dense>(options.network->layers[1]).weight.values;
  const auto& trained = std::get<Dense>(pretrained.lower.layers[1]).weight.values;
  for (size_t i = 0; i < given.size(); ++i) EXPECT_NEAR(trained[i], given[i], 1e-6);
}

TEST(Pretrain, DrawsTheCubicsInputBackIntoItsRange) {
  const Clusters data = clusters(100, 8, 2, 0.1, 6);
  PretrainOptions options = quick(60);
  options.training.patience = 60;
  options.network = paper_lower(8, 0);
  for (double& bias : std::get<Dense>(options.network->layers[1]).bias) bias = 6;
  options.training.learning_rate = 1e-2;
  const Pretrained pretrained = pretrain(data.rows, data.labels, options);
  Network inner = pretrained.lower;
  inner.layers.resize(2);
  for (const double value : forward(inner, data.rows).values) EXPECT_LT(std::abs(value), 5.5);
}

TEST(Pretrain, LearnsWithOtherShapesAndActivations) {
  const Clusters data = clusters(240, 12, 3, 0.2, 2);
  LowerShape narrow, deep, seventh;
  narrow.hidden = {5};
  narrow.features = 4;
  narrow.kernel = 0;
  narrow.pool = 1;
  narrow.activation = kReluQuadratic;
  deep.hidden = {16, 10};
  deep.kernel = 4;
  deep.pool = 2;
  seventh.activation = Polynomial{{0.1, 0.5, 0.1, 0.01, -0.004, 0.0005, -0.0001, 0.00002}};
  for (const LowerShape& shape : {narrow, deep, seventh}) {
    PretrainOptions options = quick(60);
    options.training.patience = 10;
    options.shape = shape;
    const Pretrained pretrained = pretrain(data.rows, data.labels, options);
    EXPECT_GT(pretrained.validation_accuracy, 0.85);
    EXPECT_EQ(pretrained.lower.layers.size(), lower_network(12, shape, 0).layers.size());
    EXPECT_EQ(pretrained.output_layer.weight.cols, output_width(pretrained.lower).value());
  }
}

TEST(Pretrain, TrainsTheCoefficientsOfTheActivationOnlyWhereAsked) {
  const Clusters data = clusters(200, 12, 2, 0.15, 9);
  PretrainOptions options = quick(30);
  options.shape.hidden = {12, 12};
  options.shape.activation = kReluQuadratic;
  const auto coefficients = [&](size_t layer) {
    return std::get<Polynomial>(pretrain(data.rows, data.labels, options).lower.layers[layer]).coefficients;
  };
  EXPECT_EQ(coefficients(2), kReluQuadratic.coefficients);
  options.train_activation = true;
  const std::vector<double> first = coefficients(2), second = coefficients(4);
  EXPECT_NE(first, kReluQuadratic.coefficients);
  EXPECT_NE(first, second) << "each layer has its own";
  ASSERT_EQ(first.size(), 3u);
  // In Chebyshev's form on [-4, 4] the start is (1.25, 2, 1).
  for (const auto& trained : {first, second}) {
    const double leading = 8 * trained[2], linear = 4 * trained[1], constant = trained[0] + leading;
    EXPECT_GE(leading, 0.25);
    EXPECT_LE(leading, 2);
    EXPECT_LE(std::abs(linear - 2), 1 + 1e-6);
    EXPECT_LE(std::abs(constant - 1.25), 1 + 1e-6);
    EXPECT_LE(std::abs(trained[1] / (2 * trained[2])), 8 + 1e-6);
  }
}

TEST(Pretrain, KeepsTrainedCoefficientsBoundedWhereTheyWouldRunAway) {
  const Clusters data = clusters(100, 8, 2, 0.02, 10);
  PretrainOptions options = quick(60);
  options.training.patience = 60;
  options.training.learning_rate = 0.05;
  options.train_activation = true;
  const Pretrained pretrained = pretrain(data.rows, data.labels, options);
  const auto& c = std::get<Polynomial>(pretrained.lower.layers[2]).coefficients;
  ASSERT_EQ(c.size(), 4u);
  EXPECT_LE(c[3], kPaperCubic.coefficients[3] / 4 + 1e-9);
  EXPECT_GE(c[3], kPaperCubic.coefficients[3] * 4 - 1e-9);
  EXPECT_LE(std::abs(c[2] / (3 * c[3])), 8 + 1e-5);
  double at_twice_the_range = 0, start = 0;
  for (size_t i = 4; i-- > 0;) {
    at_twice_the_range = at_twice_the_range * 8 + std::abs(c[i]);
    start = start * 8 + std::abs(kPaperCubic.coefficients[i]);
  }
  EXPECT_LT(at_twice_the_range, 4 * start);
}

PretrainOptions replacing(const Layer& activation, size_t degree) {
  PretrainOptions options = quick(40);
  options.training.patience = 10;
  options.shape.activation = activation;
  options.replacement.degree = degree;
  return options;
}

double accuracy_of(const Pretrained& pretrained, const Clusters& data) {
  Network whole = pretrained.lower;
  whole.layers.push_back(pretrained.output_layer);
  whole.layers.push_back(Sigmoid{});
  return measure(forward(whole, data.rows), data.labels).accuracy;
}

TEST(PretrainReplacing, RefusesDegreesThatNoPlanServesAndTrainingWithoutEpochs) {
  const Clusters data = clusters(60, 8, 2, 0.15, 1);
  for (const size_t degree : {1u, 8u})
    EXPECT_THAT(refusal(data, replacing(Relu{}, degree)), HasSubstr("degree 2 to 7"));
  PretrainOptions options = replacing(Relu{}, 3);
  options.train_activation = true;
  options.replacement.fine_tune_epochs = 0;
  EXPECT_THAT(refusal(data, options), HasSubstr("at least one epoch"));
}

TEST(PretrainReplacing, RefusesARangeOnWhichTheFunctionIsAStraightLine) {
  PretrainOptions options = replacing(Relu{}, 3);
  options.network = paper_lower(8, 0, Relu{});
  for (double& bias : std::get<Dense>(options.network->layers[1]).bias) bias = 4;  // positive numbers alone
  options.training.epochs = 1;
  options.training.learning_rate = 1e-9;  // and they stay so
  EXPECT_THAT(refusal(clusters(60, 8, 2, 0.15, 1), options),
              AllOf(HasSubstr("layer 3 (Relu): on its range"), HasSubstr("no nearer than a straight line")));
}

TEST(PretrainReplacing, PutsAPolynomialOnTheRecordedRangeInThePlaceOfEveryFunction) {
  const Clusters data = clusters(200, 12, 2, 0.15, 11);
  for (const auto& [activation, name] : {std::pair<Layer, std::string>(Relu{}, "Relu"),
                                         {Tanh{}, "Tanh"},
                                         {Sigmoid{}, "Sigmoid"},
                                         {Gelu{}, "Gelu"}}) {
    SCOPED_TRACE(name);
    const Pretrained pretrained = pretrain(data.rows, data.labels, replacing(activation, 4));
    ASSERT_TRUE(pretrained.replacement);
    ASSERT_EQ(pretrained.replacement->activations.size(), 1u);
    const ReplacedActivation& one = pretrained.replacement->activations[0];
    EXPECT_EQ(one.function, name);
    EXPECT_EQ(one.layer, 2u);
    ASSERT_TRUE(std::holds_alternative<Polynomial>(pretrained.lower.layers[2]));
    EXPECT_TRUE(fold(pretrained.lower).ok());
    // What comes into the polynomial lies on its range, a margin of a twentieth away from both ends.
    Network before = pretrained.lower;
    before.layers.resize(2);
    const auto [low, high] = std::ranges::minmax(forward(before, data.rows).values);
    EXPECT_NEAR(low - one.interval.low, (high - low) / 20, 1e-9);
    EXPECT_NEAR(one.interval.high - high, (high - low) / 20, 1e-9);
    // There it is as near to the function as it says.
    const Network function{1, {activation}}, polynomial{1, {pretrained.lower.layers[2]}};
    for (double u = one.interval.low; u <= one.interval.high; u += 0.01) {
      const std::vector<double> row = {u};
      EXPECT_LE(std::abs(forward(function, row)[0] - forward(polynomial, row)[0]), one.max_error + 1e-9);
    }
    EXPECT_GT(accuracy_of(pretrained, data), 0.9);
  }
}

TEST(PretrainReplacing, MeasuresAccuracyBeforeAfterAndAfterFineTuning) {
  const Clusters data = clusters(300, 12, 2, 0.08, 12);
  PretrainOptions options = replacing(Relu{}, 2);
  options.replacement.fine_tune_epochs = 0;
  const Pretrained plain = pretrain(data.rows, data.labels, options);
  EXPECT_TRUE(plain.replacement->curve.empty());
  EXPECT_EQ(plain.replacement->fine_tuned.validation_loss,
            plain.replacement->with_polynomials.validation_loss);
  // The functions' figures are those that training ended with, in single precision.
  double best = plain.curve[0].validation_loss;
  for (const Epoch& epoch : plain.curve) best = std::min(best, epoch.validation_loss);
  EXPECT_NEAR(plain.replacement->with_functions.validation_loss, best, 1e-4);
  EXPECT_NE(plain.replacement->with_polynomials.validation_loss, best);
  EXPECT_EQ(plain.validation_loss, plain.replacement->with_polynomials.validation_loss);

  ASSERT_EQ(plain.replacement->degrees.size(), 6u);
  EXPECT_EQ(plain.replacement->degrees[0].with_polynomials.validation_loss,
            plain.replacement->with_polynomials.validation_loss);
  for (size_t i = 1; i < 6; ++i) {
    EXPECT_LE(plain.replacement->degrees[i].max_error, plain.replacement->degrees[i - 1].max_error);
    EXPECT_LE(std::abs(plain.replacement->degrees[i].with_polynomials.validation_loss - best), 0.2);
  }

  options.replacement.fine_tune_epochs = 10;
  const Pretrained tuned = pretrain(data.rows, data.labels, options);
  EXPECT_EQ(tuned.replacement->with_polynomials.validation_loss,
            plain.replacement->with_polynomials.validation_loss);
  EXPECT_LE(tuned.replacement->fine_tuned.validation_loss,
            tuned.replacement->with_polynomials.validation_loss + 1e-6);
  EXPECT_FALSE(tuned.replacement->curve.empty());
  const auto first_dense = [](const Pretrained& pretrained) {
    return std::get<Dense>(pretrained.lower.layers[1]).weight.values;
  };
  EXPECT_EQ(first_dense(tuned), first_dense(plain)) << "what stands before the polynomial stays";
  EXPECT_EQ(std::get<Polynomial>(tuned.lower.layers[2]).coefficients,
            std::get<Polynomial>(plain.lower.layers[2]).coefficients);
}

TEST(PretrainReplacing, TrainsTheCoefficientsAfterwardsWhereAsked) {
  const Clusters data = clusters(300, 12, 2, 0.08, 12);
  PretrainOptions options = replacing(Gelu{}, 4);
  options.replacement.fine_tune_epochs = 10;
  options.shape.hidden = {10, 8};
  const Pretrained plain = pretrain(data.rows, data.labels, options);
  options.train_activation = true;
  const Pretrained trained = pretrain(data.rows, data.labels, options);
  ASSERT_EQ(trained.replacement->activations.size(), 2u);
  for (const size_t layer : {2u, 4u}) {
    EXPECT_NE(std::get<Polynomial>(trained.lower.layers[layer]).coefficients,
              std::get<Polynomial>(plain.lower.layers[layer]).coefficients);
  }
  EXPECT_LE(trained.replacement->fine_tuned.validation_loss,
            trained.replacement->with_polynomials.validation_loss + 1e-6);
}

TEST(PretrainReplacing, ReplacesTheFunctionsOfAGivenNetworkToo) {
  const Clusters data = clusters(200, 8, 2, 0.15, 13);
  PretrainOptions options = quick(20);
  options.network = paper_lower(8, 3, Tanh{});
  const Pretrained pretrained = pretrain(data.rows, data.labels, options);
  ASSERT_TRUE(pretrained.replacement);
  EXPECT_TRUE(fold(pretrained.lower).ok());
}

TEST(PretrainReplacing, CountsBothTrainingsAsOne) {
  const Clusters data = clusters(60, 8, 2, 0.1, 8);
  PretrainOptions options = replacing(Relu{}, 3);
  options.training.epochs = 3;
  options.replacement.fine_tune_epochs = 2;
  std::vector<size_t> told;
  pretrain(data.rows, data.labels, options, [&](size_t done, size_t total) {
    EXPECT_EQ(total, 5u);
    told.push_back(done);
  });
  EXPECT_THAT(told, testing::ElementsAre(1u, 2u, 3u, 4u, 5u));
}

TEST(Pretrain, DescribesTheFeaturesOfTheSource) {
  const Clusters data = clusters(50, 8, 2, 0.1, 7);
  const Pretrained pretrained = pretrain(data.rows, data.labels, quick(2));
  const Matrix features = forward(pretrained.lower, data.rows);
  ASSERT_EQ(pretrained.feature_mean.size(), features.cols);
  double sum = 0, squares = 0;
  for (size_t r = 0; r < 50; ++r) sum += features(r, 2);
  for (size_t r = 0; r < 50; ++r) squares += std::pow(features(r, 2) - sum / 50, 2);
  EXPECT_NEAR(pretrained.feature_mean[2], sum / 50, 1e-12);
  EXPECT_NEAR(pretrained.feature_deviation[2], std::sqrt(squares / 50), 1e-12);
}

TEST(Pretrain, ReportsEveryEpoch) {
  const Clusters data = clusters(50, 8, 2, 0.1, 8);
  std::vector<size_t> told;
  pretrain(data.rows, data.labels, quick(3), [&](size_t done, size_t total) {
    EXPECT_EQ(total, 3u);
    told.push_back(done);
  });
  EXPECT_THAT(told, testing::ElementsAre(1u, 2u, 3u));
}

}  // namespace
}  // namespace cryptotl
