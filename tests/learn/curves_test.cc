#include "cryptotl/learn/curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::FieldsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const std::vector<double> kScores = {.9, .6, .6, .2};
const std::vector<int> kLabels = {1, 1, 0, 0};

TEST(RocCurve, RefusesASingleClassAndUnequalLengths) {
  EXPECT_THROW(roc_curve(kScores, std::vector<int>{1, 1, 1, 1}), Error);
  EXPECT_THROW(roc_curve(kScores, std::vector<int>{1, 0}), Error);
}

TEST(PrecisionRecallCurve, RefusesRowsWithoutClassOne) {
  EXPECT_THROW(precision_recall_curve(kScores, std::vector<int>{0, 0, 0, 0}), Error);
}

TEST(RocCurve, StepsOverEqualScoresAtOnce) {
  EXPECT_THAT(roc_curve(kScores, kLabels), ElementsAre(FieldsAre(0, 0, kInfinity), FieldsAre(0, 0.5, 0.9),
                                                       FieldsAre(0.5, 1, 0.6), FieldsAre(1, 1, 0.2)));
}

TEST(PrecisionRecallCurve, StepsOverEqualScoresAtOnce) {
  EXPECT_THAT(precision_recall_curve(kScores, kLabels),
              ElementsAre(FieldsAre(0, 1, kInfinity), FieldsAre(0.5, 1, 0.9),
                          FieldsAre(1, DoubleEq(2.0 / 3), 0.6), FieldsAre(1, 0.5, 0.2)));
}

TEST(ConfusionMatrix, CountsTrueClassesByRow) {
  Matrix scores(4, 1);
  scores.values = kScores;
  EXPECT_THAT(confusion_matrix(scores, kLabels).values, ElementsAre(1, 1, 0, 2));
}

TEST(CalibrationCurve, LeavesOutEmptyBinsAndKeepsOneInTheLast) {
  const auto bins =
      calibration_curve(std::vector<double>{0.05, 0.15, 1.0, 0.95}, std::vector<int>{0, 1, 1, 1}, 5);
  EXPECT_THAT(bins, ElementsAre(FieldsAre(DoubleEq(0.1), 0.5, 2u), FieldsAre(DoubleEq(0.975), 1, 2u)));
}

TEST(MeanCurves, RefuseWhatIsNoSetOfScores) {
  EXPECT_THROW(mean_roc_curve(Matrix(3, 3), std::vector<int>{0, 1}), Error);
  EXPECT_THROW(mean_roc_curve(Matrix(2, 1), std::vector<int>{0, 1}), Error);
  EXPECT_THROW(mean_roc_curve(Matrix(2, 3), std::vector<int>{1, 1}), Error);
}

TEST(MeanCurves, AreTheCurveItselfWhereBothClassesHaveTheSame) {
  Matrix scores(4, 2);
  scores.values = {.9, .1, .4, .6, .7, .3, .2, .8};
  const std::vector<int> labels = {0, 0, 1, 1};
  // Class 0 against the rest by scores .9 .4 .7 .2, class 1 by .1 .6 .3 .8: both step up, right, up, right.
  const std::vector<CurvePoint> curve = mean_roc_curve(scores, labels);
  EXPECT_EQ(curve.front().x, 0);
  EXPECT_EQ(curve.front().y, 0);
  EXPECT_NEAR(curve[1].y, 0.5, 1e-12);
  EXPECT_NEAR(curve.back().y, 1, 1e-12);
  EXPECT_NEAR(mean_precision_recall_curve(scores, labels).front().y, 1, 1e-12);
}

}  // namespace
}  // namespace cryptotl
