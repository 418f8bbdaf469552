#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cryptotl/transfer/fitting.h"
#include "cryptotl/transfer/inspection.h"
#include "cryptotl/transfer/pretraining.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "transfer/public_rows.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

constexpr size_t kRows = 120;

/// Rows of length 1 that the first number tells apart.
Examples embeddings(size_t rows, uint64_t seed) {
  Examples out;
  out.source = "source";
  out.embeddings = uniform_matrix(rows, kSmallInputs, seed, -1, 1);
  out.embedder = external_embedder("numbers", kSmallInputs);
  for (size_t i = 0; i < rows; ++i) {
    const auto row = out.embeddings.row(i);
    row[0] = i % 2 == 0 ? -2.0 : 2.0;
    double square = 0;
    for (const double value : row) square += value * value;
    for (double& value : row) value /= std::sqrt(square);
    out.labels.push_back(i % 2 == 0 ? "ham" : "spam");
  }
  return out;
}

PretrainingOptions experiment(double noise = 2) {
  PretrainingOptions options;
  options.privacy.emplace();
  options.privacy->noise_multiplier = noise;
  options.privacy->steps = 10;
  options.privacy->insecure_seed = 3;
  return options;
}

ErrorCode code_of_pretraining(const Examples& examples, const PretrainingOptions& options) {
  try {
    pretrain_model(examples, options);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(PrivatePretrainingTest, RefusesRowsThatAreLongerThanTheRangeTakes) {
  Examples examples = embeddings(kRows, 1);
  examples.embeddings(17, 3) = 2;
  EXPECT_EQ(code_of_pretraining(examples, experiment()), ErrorCode::malformed);
  PretrainingOptions ranged = experiment();
  ranged.range = {-3, 3};
  EXPECT_NO_THROW(pretrain_model(examples, ranged));
}

TEST(PrivatePretrainingTest, RefusesToTrainActivations) {
  PretrainingOptions options = experiment();
  options.train_activation = true;
  EXPECT_EQ(code_of_pretraining(embeddings(kRows, 1), options), ErrorCode::invalid_argument);
}

TEST(PrivatePretrainingTest, RefusesANumberThatIsNotFinite) {
  Examples examples = embeddings(kRows, 1);
  examples.embeddings(17, 3) = std::nan("");
  PretrainingOptions options = experiment();
  options.privacy->batch = kRows;
  options.range = {-1, 1};
  EXPECT_EQ(code_of_pretraining(examples, options), ErrorCode::invalid_argument);
}

// The test of all leaks at once: with what the noisy sums say of the rows taken away, nothing is left. At a
// learning rate that rounds to steps of zero, two models from different rows (as many, with the same labels)
// must be the same to the bit: scaler, calibration, statistics, record, digest.
TEST(PrivatePretrainingTest, NothingButTheWeightsDependsOnTheRows) {
  PretrainingOptions options = experiment();
  options.privacy->learning_rate = std::numeric_limits<double>::denorm_min();
  const PretrainedModel one = pretrain_model(embeddings(kRows, 1), options);
  Examples other = embeddings(kRows, 2);
  for (size_t i = 0; i < kRows; ++i) other.labels[i] = i < kRows / 4 ? "ham" : "spam";
  const PretrainedModel two = pretrain_model(other, options);
  EXPECT_EQ(model_digest(one.model), model_digest(two.model));
  EXPECT_EQ(one.plan.to_json(), two.plan.to_json());
}

TEST(PrivatePretrainingTest, PublishesNoStatisticsOfTheRows) {
  const Model model = pretrain_model(embeddings(kRows, 1), experiment()).model;
  EXPECT_TRUE(model.feature_mean.empty());
  EXPECT_TRUE(model.feature_deviation.empty());
  EXPECT_EQ(model.calibration.input, (ValueRange{0, 1}));
  EXPECT_EQ(model.scaler.maximum, std::vector<double>(kSmallInputs, 1));
  for (const char* const leaky :
       {"labels", "validation_loss", "validation_accuracy", "train_and_validation_loss", "replacement"})
    EXPECT_FALSE(model.training.contains(leaky)) << leaky;
  EXPECT_EQ(model.training.at("rows"), kRows);
}

TEST(PrivatePretrainingTest, StatesWhatItSpentAndSurvivesItsFile) {
  PretrainingOptions options = experiment();
  options.privacy->insecure_seed.reset();
  options.privacy->noise_multiplier.reset();
  options.privacy->epsilon = 6;
  const TemporaryFolder folder = test_folder();
  const PretrainedModel made = pretrain_model(embeddings(kRows, 1), options);
  ASSERT_TRUE(made.privacy);
  save_model(folder.path() / "model", made.model).value();
  const Model read = load_model(folder.path() / "model").value();
  EXPECT_EQ(read.privacy, made.model.privacy);
  EXPECT_EQ(model_digest(read), model_digest(made.model));
  EXPECT_EQ(read.privacy.at("private"), true);
  const PrivacySpent spent = privacy_from_json(read.privacy).value();
  EXPECT_EQ(spent.mechanism, made.privacy->mechanism);
  EXPECT_LE(spent.epsilon, 6);
  EXPECT_EQ(spent.epsilon, tight_epsilon({&spent.mechanism, 1}, spent.delta));
  EXPECT_EQ(spent.delta, default_delta(kRows));
  const nlohmann::json said = inspect(folder.path() / "model").value();
  EXPECT_NE(said.at("privacy").at("in_words").get<std::string>().find("for one labelled row more or less"),
            std::string::npos);
}

TEST(PrivatePretrainingTest, SaysThatASeededOneIsNotPrivate) {
  const Model model = pretrain_model(embeddings(kRows, 1), experiment()).model;
  EXPECT_EQ(model.privacy.at("private"), false);
  EXPECT_NE(privacy_text(model.privacy).find("not private"), std::string::npos);
}

TEST(PrivatePretrainingTest, ReplacesActivationsWithoutLookingAtTheRows) {
  PretrainingOptions options = experiment();
  options.shape.activation = Relu{};
  const Model model = pretrain_model(embeddings(kRows, 1), options).model;
  const Polynomial nearest = approximate(Relu{}, {-4, 4}, options.replacement.degree)->polynomial;
  size_t found = 0;
  for (const Layer& layer : model.lower.layers) {
    const auto* polynomial = std::get_if<Polynomial>(&layer);
    if (polynomial == nullptr) continue;
    ++found;
    EXPECT_EQ(polynomial->coefficients.back(), nearest.coefficients.back());
  }
  EXPECT_EQ(found, 1u);
}

TEST(PublicRowsTest, AreOfLengthOneAndCoverWhatTheScoresSee) {
  Network scores = paper_lower(kSmallInputs, 1);
  Dense layer{Matrix(1, kSmallInputs - 2), {0}};
  layer.weight(0, 3) = 1;
  scores.layers.emplace_back(layer);
  const double range = 0.7;
  const Matrix rows = public_rows(scores, true, range);
  for (size_t r = 0; r < rows.rows; ++r) {
    double square = 0;
    for (const double value : rows.row(r)) square += std::pow((2 * value - 1) * range, 2);
    EXPECT_NEAR(square, 1, 1e-9);
  }
  for (const double value : public_rows(scores, false, range).values) {
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 1);
  }
}

TEST(PrivateHeadTest, IsRefusedWhereTheKindLooksAtTheLabels) {
  for (const HeadKind kind : {HeadKind::automatic, HeadKind::paper}) {
    const Examples examples = embeddings(kRows, 1);
    EXPECT_THROW(train_private_head(examples.embeddings, examples.embeddings, std::vector<int>(kRows, 0), {},
                                    kind, *experiment().privacy),
                 Error);
  }
}

TEST(PrivateHeadTest, LearnsAndStatesWhatItSpentInItsFile) {
  FitOptions options;
  options.kind = HeadKind::local;
  options.privacy = experiment().privacy;
  options.privacy->learning_rate = 4;
  const Examples examples = embeddings(kRows, 1);
  const FitResult result = fit_head_to(examples, nullptr, options);
  const TrainedHead read = read_head(write_head(result.trained).value()).value();
  EXPECT_EQ(read.privacy, result.trained.privacy);
  EXPECT_EQ(privacy_from_json(read.privacy).value().mechanism.noise_multiplier, 2);
  const Prediction prediction = predict(read, embeddings(kRows, 2), nullptr, true);
  size_t right = 0;
  for (size_t i = 0; i < kRows; ++i) right += prediction.calls[i].label == static_cast<int>(i % 2) ? 1 : 0;
  EXPECT_GT(right, kRows * 9 / 10);
}

TEST(PrivateHeadTest, SaysNothingOfTheRowsButThroughTheWeights) {
  FitOptions options;
  options.kind = HeadKind::local;
  options.privacy = experiment().privacy;
  options.privacy->learning_rate = std::numeric_limits<double>::denorm_min();
  Examples other = embeddings(kRows, 2);
  for (size_t i = 0; i < kRows; ++i) other.labels[i] = i < kRows / 4 ? "ham" : "spam";
  const auto bytes = [&](const Examples& examples) {
    return write_head(fit_head_to(examples, nullptr, options).trained).value();
  };
  EXPECT_EQ(bytes(embeddings(kRows, 1)), bytes(other));
}

TEST(PrivacyStatementTest, RefusesNumbersOfNoMechanism) {
  const nlohmann::json right = privacy_json(plan_privacy(kRows, *experiment().privacy), "all");
  EXPECT_TRUE(privacy_from_json(right).ok());
  for (const auto& [key, value] : {std::pair<const char*, double>{"epsilon", -1},
                                   {"delta", 2},
                                   {"sampling_rate", 0},
                                   {"noise_multiplier", -1},
                                   {"steps", 0},
                                   {"clipping_norm", 0}}) {
    nlohmann::json wrong = right;
    wrong[key] = value;
    EXPECT_EQ(privacy_from_json(wrong).error().code(), ErrorCode::malformed) << key;
    wrong.erase(key);
    EXPECT_EQ(privacy_from_json(wrong).error().code(), ErrorCode::malformed) << key;
  }
  EXPECT_EQ(privacy_from_json(nullptr).error().code(), ErrorCode::malformed);
}

}  // namespace
}  // namespace cryptotl
