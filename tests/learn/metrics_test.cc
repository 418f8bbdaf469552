#include "cryptotl/learn/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

// The expected numbers come from scikit-learn 1.9.1.
const std::vector<double> kScores = {.9, .8, .8, .7, .55, .5, .4, .35, .3, .1};
const std::vector<int> kLabels = {1, 1, 0, 1, 0, 1, 0, 1, 0, 0};

TEST(Measure, RefusesWhatDoesNotFit) {
  EXPECT_THROW(measure(std::vector<double>{}, std::vector<int>{}), Error);
  EXPECT_THROW(measure(std::vector<double>{0.5}, std::vector<int>{0, 1}), Error);
  EXPECT_THROW(measure(std::vector<double>{0.5}, std::vector<int>{2}), Error);
  EXPECT_THROW(measure(std::vector<double>{0.5}, std::vector<int>{-1}), Error);
  EXPECT_THROW(measure(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, std::vector<int>{1}),
               Error);
}

TEST(Measure, AgreesWithScikitLearnOnTwoClasses) {
  const Metrics metrics = measure(kScores, kLabels);
  EXPECT_NEAR(metrics.loss, 0.5808955007983814, 1e-12);
  EXPECT_NEAR(metrics.accuracy, 0.7, 1e-12);
  EXPECT_NEAR(metrics.balanced_accuracy, 0.7, 1e-12);
  EXPECT_NEAR(metrics.f1, 0.7272727272727273, 1e-12);
  EXPECT_NEAR(metrics.precision, 0.6666666666666666, 1e-12);
  EXPECT_NEAR(metrics.recall, 0.8, 1e-12);
  EXPECT_NEAR(metrics.kappa, 0.4, 1e-12);
  EXPECT_NEAR(metrics.roc_auc, 0.74, 1e-12);
  EXPECT_NEAR(metrics.pr_auc, 0.7416666666666667, 1e-12);
}

TEST(Measure, AgreesWithScikitLearnOnThreeClasses) {
  Matrix scores(8, 3);
  scores.values = {.7, .2, .1, .1, .6, .3, .2, .3, .5, .5, .4, .1,
                   .3, .4, .3, .1, .2, .7, .2, .5, .3, .6, .1, .3};
  const Metrics metrics = measure(scores, std::vector<int>{0, 1, 2, 1, 1, 2, 0, 2});
  EXPECT_NEAR(metrics.loss, 0.8204143590889684, 1e-12);
  EXPECT_NEAR(metrics.accuracy, 0.625, 1e-12);
  EXPECT_NEAR(metrics.balanced_accuracy, 0.611111111111111, 1e-12);
  EXPECT_NEAR(metrics.f1, 0.6222222222222222, 1e-12);
  EXPECT_NEAR(metrics.precision, 0.6666666666666666, 1e-12);
  EXPECT_NEAR(metrics.recall, 0.611111111111111, 1e-12);
  EXPECT_NEAR(metrics.kappa, 0.4418604651162791, 1e-12);
  EXPECT_NEAR(metrics.roc_auc, 0.825, 1e-12);
  EXPECT_NEAR(metrics.pr_auc, 0.7777777777777777, 1e-12);
}

TEST(Measure, HasNoDivisionByZeroWhereNothingIsCalledOrHeld) {
  const Metrics nothing_called = measure(std::vector<double>{.1, .2, .3}, std::vector<int>{1, 0, 0});
  EXPECT_EQ(nothing_called.precision, 0);
  EXPECT_EQ(nothing_called.f1, 0);
  EXPECT_EQ(nothing_called.kappa, 0);
  const Metrics one_class = measure(std::vector<double>{.1, .2}, std::vector<int>{0, 0});
  EXPECT_EQ(one_class.balanced_accuracy, 1);
  EXPECT_EQ(one_class.roc_auc, 0.5);
  EXPECT_EQ(one_class.kappa, 0);
}

TEST(Measure, KeepsTheLossOfCertainMistakesFinite) {
  EXPECT_NEAR(measure(std::vector<double>{0, 1}, std::vector<int>{1, 0}).loss, -std::log(1e-15), 0.1);
}

TEST(CalledClasses, TakesClassOneAtAHalfAndTheFirstOfEqualScores) {
  Matrix column(3, 1);
  column.values = {0.5, 0.49, 0.51};
  EXPECT_THAT(called_classes(column), testing::ElementsAre(1, 0, 1));
  Matrix rows(2, 3);
  rows.values = {.4, .4, .2, .1, .3, .6};
  EXPECT_THAT(called_classes(rows), testing::ElementsAre(0, 2));
}

TEST(Summarize, GivesMeanAndSampleDeviation) {
  std::vector<Metrics> runs(3);
  runs[0].accuracy = 1;
  runs[1].accuracy = 2;
  runs[2].accuracy = 6;
  const MetricsSummary summary = summarize(runs);
  EXPECT_DOUBLE_EQ(summary.mean.accuracy, 3);
  EXPECT_DOUBLE_EQ(summary.deviation.accuracy, std::sqrt(7.0));
  EXPECT_EQ(summarize(std::span(runs).first(1)).deviation.accuracy, 0);
}

}  // namespace
}  // namespace cryptotl
