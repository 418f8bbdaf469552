#include "learn/logistic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

LogisticData eight_rows(std::vector<int> labels, size_t classes) {
  LogisticData data;
  data.design = Matrix(8, 2);
  data.design.values = {0.5, -1, 1.5, 0.25, -0.75, 0.5, -1, -0.5, 0.25, 1, 1, -0.5, -0.5, -1.25, 0.1, 0.3};
  data.labels = std::move(labels);
  data.classes = classes;
  return data;
}

/// Random rows whose labels follow the first column, with noise.
LogisticData random_rows(size_t rows, size_t columns, size_t classes, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  LogisticData data;
  data.design = Matrix(rows, columns);
  for (double& value : data.design.values) value = normal(engine) / std::sqrt(static_cast<double>(columns));
  for (size_t r = 0; r < rows; ++r) {
    const double position = data.design(r, 0) * std::sqrt(static_cast<double>(columns)) + normal(engine) / 2;
    data.labels.push_back(static_cast<int>(position > 0.5) +
                          static_cast<int>(classes == 3 && position < -0.5) * 2);
  }
  data.classes = classes;
  return data;
}

/// d/d weight and d/d bias of C times the losses plus the penalty, by its own formula.
double largest_gradient(const LogisticData& data, double C, const LogisticWeights& weights) {
  double largest = 0;
  for (size_t output = 0; output < data.outputs(); ++output) {
    std::vector<double> gradient(weights.weight.row(output).begin(), weights.weight.row(output).end());
    double bias = 0;
    for (size_t r = 0; r < data.design.rows; ++r) {
      std::vector<double> logits(data.outputs());
      for (size_t o = 0; o < logits.size(); ++o) {
        logits[o] = weights.bias[o] + (data.offset.values.empty() ? 0 : data.offset(r, o));
        for (size_t c = 0; c < data.design.cols; ++c) logits[o] += weights.weight(o, c) * data.design(r, c);
      }
      double sum = logits.size() == 1 ? 1 : 0;
      for (const double logit : logits) sum += std::exp(logit);
      const bool own = data.labels[r] == (logits.size() == 1 ? 1 : static_cast<int>(output));
      const double slope = C * (std::exp(logits[output]) / sum - (own ? 1 : 0));
      bias += slope;
      for (size_t c = 0; c < data.design.cols; ++c) gradient[c] += slope * data.design(r, c);
    }
    for (const double value : gradient) largest = std::max(largest, std::abs(value));
    largest = std::max(largest, std::abs(bias));
  }
  return largest;
}

// The expected weights come from scikit-learn 1.9.1.
TEST(FitLogistic, AgreesWithScikitLearnOnTwoClasses) {
  const LogisticData data = eight_rows({0, 1, 0, 0, 1, 1, 0, 1}, 2);
  const LogisticWeights mild = fit_logistic(data, 1);
  EXPECT_THAT(mild.weight.values, ElementsAre(DoubleNear(1.04388891, 1e-5), DoubleNear(0.79338103, 1e-5)));
  EXPECT_NEAR(mild.bias[0], -0.02892149, 1e-5);
  const LogisticWeights strong = fit_logistic(data, 100);
  EXPECT_THAT(strong.weight.values, ElementsAre(DoubleNear(6.53575641, 1e-4), DoubleNear(5.50671692, 1e-4)));
  EXPECT_NEAR(strong.bias[0], -0.31199788, 1e-4);
}

TEST(FitLogistic, AgreesWithScikitLearnOnThreeClasses) {
  const LogisticWeights weights = fit_logistic(eight_rows({0, 1, 2, 0, 1, 1, 2, 0}, 3), 10);
  const std::vector<double> expected = {-0.72023156, -0.64402353, 2.65601501,
                                        1.30573411,  -1.93578345, -0.66171058};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(weights.weight.values[i], expected[i], 1e-3);
  EXPECT_NEAR(weights.bias[0] - weights.bias[1], 0.70087295 + 0.58379527, 1e-3);
}

TEST(FitLogistic, ReachesTheMinimumForFewRowsOfManyColumnsAtEveryPenalty) {
  LogisticData data = random_rows(40, 300, 2, 1);
  data.offset = Matrix(40, 1);
  for (size_t r = 0; r < 40; ++r) data.offset(r, 0) = std::sin(static_cast<double>(r));
  for (const double C : kPenalties)
    EXPECT_LT(largest_gradient(data, C, fit_logistic(data, C)), 1e-4 * C) << "C = " << C;
}

TEST(FitLogistic, ReachesTheMinimumBeyondTheKernelsRows) {
  const LogisticData data = random_rows(kKernelRows + 1, 5, 2, 2);
  EXPECT_LT(largest_gradient(data, 3, fit_logistic(data, 3)), 1e-2);
}

TEST(LogLosses, AreThoseOfTheSigmoidAndTheSoftmaxAlsoFarOut) {
  Matrix two(3, 1);
  two.values = {0, 800, -800};
  EXPECT_THAT(log_losses(two, std::vector<int>{1, 1, 1}),
              ElementsAre(DoubleNear(std::log(2), 1e-12), 0, DoubleNear(800, 1e-9)));
  Matrix three(1, 3);
  three.values = {1, 2, 3};
  EXPECT_NEAR(log_losses(three, std::vector<int>{2})[0], 0.4076059644443803, 1e-12);
}

TEST(SearchPenalty, PrefersAStrongPenaltyWhereLabelsAreNoise) {
  LogisticData data = random_rows(60, 200, 2, 3);
  for (size_t r = 0; r < data.labels.size(); ++r) data.labels[r] = static_cast<int>(r * 7919 % 13 % 2);
  EXPECT_LE(search_penalty(data, 0).C, 3);
}

TEST(SearchPenalty, PrefersAWeakPenaltyWhereLabelsAreClear) {
  LogisticData data = random_rows(60, 3, 2, 4);
  for (size_t r = 0; r < data.labels.size(); ++r) data.labels[r] = data.design(r, 0) > 0 ? 1 : 0;
  EXPECT_GE(search_penalty(data, 0).C, 100);
}

TEST(SearchPenalty, TestsEveryRowOnceAndRepeatsItself) {
  for (const size_t classes : {size_t{2}, size_t{3}}) {
    const LogisticData data = random_rows(45, 6, classes, 5);
    const PenaltySearch search = search_penalty(data, 9);
    EXPECT_EQ(search.logits.rows, 45u);
    double sum = 0;
    for (const double loss : log_losses(search.logits, data.labels)) sum += loss;
    EXPECT_NEAR(search.loss, sum / 45, 1e-12);
    EXPECT_LT(search.loss, std::log(static_cast<double>(classes)));
    EXPECT_EQ(search_penalty(data, 9).logits.values, search.logits.values);
  }
}

TEST(SearchPenalty, WorksWithTwoLabelsAClass) {
  LogisticData data = random_rows(10, 4, 2, 6);
  data.labels = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  EXPECT_TRUE(std::isfinite(search_penalty(data, 0).loss));
}

}  // namespace
}  // namespace cryptotl
