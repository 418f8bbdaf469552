#include "transfer/rows_ahead.h"

#include <gtest/gtest.h>

#include <atomic>

namespace cryptotl {
namespace {

Bytes bytes_of(size_t row) { return {static_cast<uint8_t>(row)}; }

TEST(RowsAhead, GivesRowsInOrderAndMakesNoMoreThanTheWindowAhead) {
  std::atomic<size_t> made = 0;
  RowsAhead rows(20, 3, [&](size_t row) {
    ++made;
    return bytes_of(row);
  });
  for (size_t row = 0; row < 20; ++row) {
    EXPECT_EQ(rows.take(row), bytes_of(row));
    EXPECT_LE(made, row + 1 + 3 + 1) << "the window, and one in the making";
  }
  EXPECT_EQ(made, 20u);
}

TEST(RowsAhead, BeginsAgainWhereItIsAskedTo) {
  RowsAhead rows(10, 4, bytes_of);
  for (size_t row = 0; row < 7; ++row) EXPECT_EQ(rows.take(row), bytes_of(row));
  for (size_t row = 0; row < 10; ++row) EXPECT_EQ(rows.take(row), bytes_of(row));
  EXPECT_EQ(rows.take(4), bytes_of(4));
}

TEST(RowsAhead, ThrowsWhatTheMakerThrowsAndEndsWithoutBeingAsked) {
  RowsAhead rows(10, 2, [](size_t row) -> Bytes {
    if (row == 2) throw Error(ErrorCode::internal, "no such row");
    return bytes_of(row);
  });
  EXPECT_EQ(rows.take(0), bytes_of(0));
  EXPECT_THROW(
      {
        rows.take(1);
        rows.take(2);
      },
      Error);
  const RowsAhead unused(1000, 2, bytes_of);
}

}  // namespace
}  // namespace cryptotl
