#include "cryptotl/learn/folds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

using ::testing::ElementsAre;

std::vector<int> labels_of(size_t zeros, size_t ones) {
  std::vector<int> labels(zeros, 0);
  labels.resize(zeros + ones, 1);
  return labels;
}

size_t ones_among(const std::vector<int>& labels, const std::vector<size_t>& rows) {
  return static_cast<size_t>(std::ranges::count_if(rows, [&](size_t row) { return labels[row] == 1; }));
}

TEST(ClassCounts, RefusesNegativeLabels) {
  EXPECT_THROW(class_counts(std::vector<int>{0, -1}), Error);
  EXPECT_THAT(class_counts(std::vector<int>{0, 2, 2}), ElementsAre(1u, 0u, 2u));
}

TEST(StratifiedSplit, RefusesClassesOfOneRowAndShareBeyondTheRows) {
  EXPECT_THROW(stratified_split(labels_of(5, 1), 0.3, 0), Error);
  EXPECT_THROW(stratified_split(labels_of(5, 5), 0, 0), Error);
  EXPECT_THROW(stratified_split(labels_of(5, 5), 1, 0), Error);
}

TEST(StratifiedSplit, PartsTheRowsClassByClass) {
  const auto labels = labels_of(70, 20);
  const Split split = stratified_split(labels, 0.3, 7);
  EXPECT_EQ(split.test.size(), 27u);
  EXPECT_EQ(ones_among(labels, split.test), 6u);
  std::vector<size_t> all = split.train;
  all.insert(all.end(), split.test.begin(), split.test.end());
  std::ranges::sort(all);
  std::vector<size_t> expected(90);
  std::iota(expected.begin(), expected.end(), size_t{0});
  EXPECT_EQ(all, expected);
}

TEST(StratifiedSplit, DependsOnTheSeedAndOnNothingElse) {
  const auto labels = labels_of(5, 5);
  EXPECT_EQ(stratified_split(labels, 0.4, 1).test, stratified_split(labels, 0.4, 1).test);
  EXPECT_NE(stratified_split(labels_of(50, 50), 0.4, 1).test,
            stratified_split(labels_of(50, 50), 0.4, 2).test);
}

TEST(StratifiedFolds, RefusesWhatCannotBeParted) {
  EXPECT_THROW(stratified_folds(labels_of(5, 5), 1, 0), Error);
  EXPECT_THROW(stratified_folds(labels_of(5, 5), 11, 0), Error);
  EXPECT_THROW(stratified_folds(labels_of(5, 1), 2, 0), Error);
}

TEST(StratifiedFolds, PartsTheRowsEvenly) {
  const auto labels = labels_of(23, 14);
  std::multiset<size_t> tested;
  for (const Split& fold : stratified_folds(labels, 5, 3)) {
    EXPECT_EQ(fold.train.size() + fold.test.size(), 37u);
    EXPECT_TRUE(fold.test.size() == 7 || fold.test.size() == 8);
    const size_t ones = ones_among(labels, fold.test);
    EXPECT_TRUE(ones == 2 || ones == 3);
    tested.insert(fold.test.begin(), fold.test.end());
  }
  EXPECT_EQ(tested.size(), 37u);
  EXPECT_EQ(std::set<size_t>(tested.begin(), tested.end()).size(), 37u);
}

TEST(StratifiedFolds, LeaveEveryTrainingSetARowOfARareClass) {
  const auto labels = labels_of(8, 2);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const Split& fold : stratified_folds(labels, 5, seed)) EXPECT_GE(ones_among(labels, fold.train), 1u);
  }
}

TEST(DrawRows, RefusesWhatThePoolDoesNotHold) {
  const auto labels = labels_of(8, 1);
  const std::vector<size_t> pool = {0, 1, 2, 8};
  EXPECT_THROW(draw_rows(pool, labels, 3, 2, 0), Error);
  EXPECT_THROW(draw_rows(pool, labels, 5, 1, 0), Error);
  EXPECT_THROW(draw_rows(pool, labels, 1, 1, 0), Error);
}

TEST(DrawRows, TakesDistinctRowsOfThePoolWithEnoughOfEveryClass) {
  const auto labels = labels_of(95, 5);
  std::vector<size_t> pool;
  for (size_t row = 0; row < 100; row += row < 94 ? 2 : 1) pool.push_back(row);
  std::set<size_t> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto drawn = draw_rows(pool, labels, 10, 2, seed);
    EXPECT_EQ(drawn.size(), 10u);
    EXPECT_TRUE(std::ranges::is_sorted(drawn));
    EXPECT_TRUE(std::ranges::includes(pool, drawn));
    EXPECT_EQ(std::ranges::adjacent_find(drawn), drawn.end());
    EXPECT_GE(ones_among(labels, drawn), 2u);
    seen.insert(drawn.begin(), drawn.end());
  }
  EXPECT_EQ(seen.size(), pool.size()) << "every row of the pool comes up";
}

}  // namespace
}  // namespace cryptotl
