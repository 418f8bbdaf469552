#include "cryptotl/learn/private_training.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cryptotl/learn/metrics.h"
#include "learn/clusters.h"

namespace cryptotl {
namespace {

constexpr size_t kRows = 200, kColumns = 12;

PrivacyOptions experiment() {
  PrivacyOptions options;
  options.epsilon = 4;
  options.steps = 20;
  options.insecure_seed = 7;
  return options;
}

/// A linear model with zero weights.
Network linear(size_t outputs = 1) {
  return {kColumns, {Dense{Matrix(outputs, kColumns), std::vector<double>(outputs)}}};
}

const Dense& dense_of(const Network& network) { return std::get<Dense>(network.layers.back()); }

std::string refusal_of(size_t rows, const PrivacyOptions& options) {
  try {
    plan_privacy(rows, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "accepted";
}

TEST(PrivateTraining, RefusesWhatIsNoBudgetByItsName) {
  const auto changed = [](auto change) {
    PrivacyOptions options = experiment();
    change(options);
    return refusal_of(kRows, options);
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double epsilon : {0.0, -1.0, kNan, std::numeric_limits<double>::infinity()}) {
    EXPECT_NE(changed([&](PrivacyOptions& o) { o.epsilon = epsilon; }).find("epsilon"), std::string::npos);
  }
  for (const double delta : {-1e-5, 0.005, 0.1, 1.0, 2.0, kNan}) {
    EXPECT_NE(changed([&](PrivacyOptions& o) { o.delta = delta; }).find("a delta of"), std::string::npos)
        << delta;
  }
  EXPECT_NE(changed([](PrivacyOptions& o) { o.noise_multiplier = 1; }).find("either"), std::string::npos);
  EXPECT_NE(changed([](PrivacyOptions& o) { o.epsilon.reset(); }).find("either"), std::string::npos);
  EXPECT_NE(changed([](PrivacyOptions& o) { o.clipping_norm = 0; }).find("clipping norm"), std::string::npos);
  EXPECT_NE(changed([](PrivacyOptions& o) { o.batch = 201; }).find("201 of 200 rows"), std::string::npos);
  EXPECT_NE(changed([](PrivacyOptions& o) { o.steps = 0; }).find("0 steps"), std::string::npos);
  EXPECT_NE(changed([](PrivacyOptions& o) { o.learning_rate = kNan; }).find("learning rate"),
            std::string::npos);
  EXPECT_NE(changed([](PrivacyOptions& o) {
              o.epsilon.reset();
              o.noise_multiplier = -1;
            }).find("noise multiplier"),
            std::string::npos);
  EXPECT_NE(refusal_of(9, experiment()).find("9 rows; at least 10"), std::string::npos);
}

TEST(PrivateTraining, RefusesABudgetThatNoNoiseKeeps) {
  PrivacyOptions options = experiment();
  options.epsilon = 1e-6;
  options.batch = kRows;
  options.steps = 100'000;
  EXPECT_NE(refusal_of(kRows, options).find("no noise up to 1000"), std::string::npos);
}

TEST(PrivateTraining, RefusesRowsAndLabelsThatDoNotFit) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
  const auto code = [&](const Network& start, const Matrix& rows, std::span<const int> labels) {
    try {
      train_privately(start, rows, labels, experiment());
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code(linear(), data.rows, std::span(data.labels).first(kRows - 1)), ErrorCode::invalid_argument);
  EXPECT_EQ(code(linear(), Matrix(kRows, kColumns + 1), data.labels), ErrorCode::invalid_argument);
  std::vector<int> third = data.labels;
  third[3] = 2;
  EXPECT_EQ(code(linear(), data.rows, third), ErrorCode::invalid_argument);
}

TEST(PrivateTraining, RefusesARowWhoseGradientIsNotFinite) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), 1e200}) {
    Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
    data.rows(17, 3) = value;
    PrivacyOptions options = experiment();
    options.batch = kRows;
    try {
      train_privately(linear(), data.rows, data.labels, options);
      FAIL() << "trained on " << value;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("a row's gradient is not finite in step 1"), std::string::npos)
          << error.what();
    }
  }
}

TEST(PrivateTraining, SpendsWhatTheAccountantSaysAndNoMoreThanTheTarget) {
  PrivacyOptions options = experiment();
  options.delta = 1e-4;
  options.batch = 50;
  const PrivacySpent spent = plan_privacy(kRows, options);
  EXPECT_EQ(spent.mechanism.sampling_rate, 0.25);
  EXPECT_EQ(spent.mechanism.steps, options.steps);
  EXPECT_EQ(spent.epsilon, tight_epsilon({&spent.mechanism, 1}, 1e-4));
  EXPECT_LE(spent.epsilon, 4);
  EXPECT_GT(spent.epsilon, 3.98);
  EXPECT_TRUE(spent.seeded);
  options.insecure_seed.reset();
  EXPECT_FALSE(plan_privacy(kRows, options).seeded);
  options.delta = 0;
  EXPECT_EQ(plan_privacy(kRows, options).delta, default_delta(kRows));
  EXPECT_DOUBLE_EQ(default_delta(kRows), 5e-4);
}

TEST(PrivateTraining, IsTheSameForTheSameExperimentSeedAndNeverWithoutOne) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
  const auto trained = [&](std::optional<uint64_t> seed) {
    PrivacyOptions options = experiment();
    options.insecure_seed = seed;
    return dense_of(train_privately(linear(), data.rows, data.labels, options).network).weight.values;
  };
  EXPECT_EQ(trained(7), trained(7));
  EXPECT_NE(trained(7), trained(8));
  EXPECT_NE(trained(std::nullopt), trained(std::nullopt));
}

TEST(PrivateTraining, AStepOfNoRowIsOneOfNoise) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
  PrivacyOptions options = experiment();
  options.epsilon.reset();
  options.noise_multiplier = 1;
  options.batch = 1;
  options.steps = 1;
  // Of 30 steps that expect one row, all but surely some get none: a share of e^-1.
  size_t without_rows = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    options.insecure_seed = seed;
    const auto noisy = train_privately(linear(), data.rows, data.labels, options).network;
    PrivacyOptions quiet = options;
    quiet.noise_multiplier = 0;
    const auto silent = train_privately(linear(), data.rows, data.labels, quiet).network;
    for (const double weight : dense_of(noisy).weight.values) EXPECT_NE(weight, 0);
    const auto& moved = dense_of(silent).weight.values;
    without_rows += std::ranges::all_of(moved, [](double weight) { return weight == 0; }) ? 1 : 0;
  }
  EXPECT_GT(without_rows, 2u);
  EXPECT_LT(without_rows, 22u);
}

TEST(PrivateTraining, OneRowMovesAStepByNoMoreThanTheRateOverTheBatch) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
  Clusters hostile = data;
  for (size_t c = 0; c < kColumns; ++c) hostile.rows(kRows - 1, c) = 1e9;
  PrivacyOptions options = experiment();
  options.epsilon.reset();
  options.noise_multiplier = 0;
  options.batch = kRows;
  options.steps = 1;
  options.learning_rate = 3;
  for (const double clipping : {0.01, 1.0, 100.0}) {
    options.clipping_norm = clipping;
    const auto with = train_privately(linear(), hostile.rows, data.labels, options).network;
    // The same without that row; a step is divided by the batch that is expected, not by the rows there were.
    Matrix fewer(kRows - 1, kColumns);
    std::copy_n(data.rows.values.begin(), fewer.values.size(), fewer.values.begin());
    options.batch = kRows - 1;
    const auto without =
        train_privately(linear(), fewer, std::span(data.labels).first(kRows - 1), options).network;
    options.batch = kRows;
    double square = 0;
    for (size_t c = 0; c < kColumns; ++c) {
      const double difference =
          dense_of(with).weight.values[c] * kRows - dense_of(without).weight.values[c] * (kRows - 1);
      square += difference * difference;
    }
    const double bias = dense_of(with).bias[0] * kRows - dense_of(without).bias[0] * (kRows - 1);
    EXPECT_LE(std::sqrt(square + bias * bias), 3 * (1 + 1e-9)) << clipping;
    EXPECT_GT(std::sqrt(square + bias * bias), 3 * 0.9) << clipping;
  }
}

TEST(PrivateTraining, LearnsWhatItMayLearn) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.15, 1);
  Matrix centred = data.rows;
  for (double& value : centred.values) value -= 0.5;
  PrivacyOptions options = experiment();
  options.steps = 60;
  const auto accuracy = [&](double epsilon) {
    options.epsilon = epsilon;
    Network network = train_privately(linear(), centred, data.labels, options).network;
    network.layers.emplace_back(Sigmoid{});
    return measure(forward(network, centred), data.labels).accuracy;
  };
  EXPECT_GT(accuracy(8), 0.9);
  // With hardly any budget the noise is all there is.
  double mean = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    options.insecure_seed = seed;
    mean += accuracy(0.01) / 10;
  }
  EXPECT_NEAR(mean, 0.5, 0.25);
}

TEST(PrivatePretraining, GivesALowerNetworkAndAnOutputLayerForRowsAsTheyAre) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
  PrivacyOptions options = experiment();
  options.epsilon = 8;
  options.steps = 60;
  const auto made = pretrain_privately(private_start(kColumns, {}), data.rows, data.labels, options);
  EXPECT_EQ(output_width(made.lower).value(), kColumns - 2);
  Network whole = made.lower;
  whole.layers.emplace_back(made.output_layer);
  whole.layers.emplace_back(Sigmoid{});
  EXPECT_GT(measure(forward(whole, data.rows), data.labels).accuracy, 0.9);
}

TEST(PrivatePretraining, StartsFromWeightsThatDependOnTheShapeAlone) {
  const Network start = private_start(kColumns, {}), again = private_start(kColumns, {});
  EXPECT_EQ(std::get<Dense>(start.layers[1]).weight.values, std::get<Dense>(again.layers[1]).weight.values);
  // The middle of the range is where features are zero: there gradients tell rows apart best.
  for (const double feature : forward(start, std::vector<double>(kColumns, 0.5)))
    EXPECT_NEAR(feature, 0, 1e-12);
}

TEST(PrivatePretraining, RefusesANetworkThatRowsCannotBeCentredFor) {
  const Clusters data = clusters(kRows, kColumns, 2, 0.2, 1);
  const Network start{kColumns, {kPaperCubic, Dense{Matrix(3, kColumns), std::vector<double>(3)}}};
  EXPECT_THROW(pretrain_privately(start, data.rows, data.labels, experiment()), Error);
}

}  // namespace
}  // namespace cryptotl
