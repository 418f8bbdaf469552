#include "cryptotl/base/matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace cryptotl {
namespace {

Matrix counted(size_t rows, size_t cols) {
  Matrix matrix(rows, cols);
  for (size_t i = 0; i < matrix.values.size(); ++i) matrix.values[i] = static_cast<double>(i);
  return matrix;
}

TEST(MatrixDeathTest, DoesNotTakeRowsThatItDoesNotHave) {
  const Matrix matrix = counted(2, 3);
  const std::array<size_t, 1> indices = {2};
  EXPECT_DEATH(static_cast<void>(take_rows(matrix, indices)), "broken invariant");
}

TEST(MatrixTest, StartsWithZerosAndIsRowMajor) {
  EXPECT_THAT(Matrix(2, 2).values, testing::ElementsAre(0, 0, 0, 0));
  Matrix matrix = counted(2, 3);
  EXPECT_EQ(matrix(1, 0), 3);
  EXPECT_THAT(matrix.row(1), testing::ElementsAre(3, 4, 5));
  matrix.row(0)[2] = 9;
  EXPECT_EQ(matrix(0, 2), 9);
}

TEST(MatrixTest, TakesRowsInTheOrderAskedForAndAsOften) {
  const std::array<size_t, 4> indices = {2, 0, 2, 1};
  const Matrix taken = take_rows(counted(3, 2), indices);
  EXPECT_EQ(taken.rows, 4u);
  EXPECT_THAT(taken.values, testing::ElementsAre(4, 5, 0, 1, 4, 5, 2, 3));
  EXPECT_EQ(take_rows(counted(3, 2), {}).rows, 0u);
  EXPECT_EQ(take_rows(counted(3, 2), {}).cols, 2u);
}

}  // namespace
}  // namespace cryptotl
