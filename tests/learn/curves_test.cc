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

}  // namespace
}  // namespace cryptotl
