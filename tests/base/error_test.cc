#include "cryptotl/base/error.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace cryptotl {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::invalid_argument, std::to_string(number) + " is odd");
  return number / 2;
}

Status check(int number) {
  CRYPTOTL_TRY(half(number));
  return {};
}

Result<std::string> describe(int number) {
  CRYPTOTL_TRY(check(number));
  return std::string("even");
}

TEST(ResultTest, ThrowsItsErrorWhenTheMissingValueIsAskedFor) {
  const Result<int> result = half(3);
  ASSERT_FALSE(result.ok());
  try {
    static_cast<void>(result.value());
    FAIL() << "no throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(error.what(), "3 is odd");
  }
  EXPECT_THROW(static_cast<void>(*half(5)), Error);
  EXPECT_THROW(static_cast<void>(describe(3)->size()), Error);
}

TEST(ResultTest, ThrowsWhenTheErrorOfASuccessIsAskedFor) {
  EXPECT_ANY_THROW(static_cast<void>(half(4).error()));
  EXPECT_ANY_THROW(static_cast<void>(Status().error()));
}

TEST(ResultTest, HandsItsErrorThroughEveryCallThatTries) {
  const Result<std::string> result = describe(7);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::invalid_argument);
  EXPECT_STREQ(result.error().what(), "7 is odd");
}

TEST(ResultTest, HoldsAValue) {
  Result<int> result = half(8);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 4);
  result.value() = 5;
  EXPECT_EQ(*result, 5);
  EXPECT_EQ(*describe(2), "even");
}

TEST(ResultTest, GivesAMoveOnlyValueAway) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(6));
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 6);
}

TEST(StatusTest, ThrowsItsErrorAndIsSilentOtherwise) {
  EXPECT_THROW(check(1).value(), Error);
  EXPECT_NO_THROW(check(2).value());
}

TEST(ErrorTableTest, MapsEveryCodeToItsNameExitCodeAndHttpStatus) {
  struct Row {
    ErrorCode code;
    const char* name;
    int exit;
    int http;
  };
  // Exit codes: 1 failed, 2 usage, 3 malformed input, 4 refused for security.
  const Row rows[] = {
      {ErrorCode::invalid_argument, "invalid_argument", 2, 400},
      {ErrorCode::parameter_mismatch, "parameter_mismatch", 3, 409},
      {ErrorCode::insecure_parameters, "insecure_parameters", 4, 403},
      {ErrorCode::level_exhausted, "level_exhausted", 1, 400},
      {ErrorCode::scale_mismatch, "scale_mismatch", 1, 400},
      {ErrorCode::missing_key, "missing_key", 1, 404},
      {ErrorCode::malformed, "malformed", 3, 400},
      {ErrorCode::unsupported_version, "unsupported_version", 3, 400},
      {ErrorCode::too_large, "too_large", 3, 413},
      {ErrorCode::resource_exhausted, "resource_exhausted", 1, 503},
      {ErrorCode::not_found, "not_found", 1, 404},
      {ErrorCode::internal, "internal", 1, 500},
  };
  int number = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(static_cast<int>(row.code), number++) << "a code without a row";
    EXPECT_EQ(name(row.code), row.name);
    EXPECT_EQ(exit_code(row.code), row.exit);
    EXPECT_EQ(http_status(row.code), row.http);
  }
}

TEST(ErrorTableTest, TakesACodeThatItDoesNotKnowForABugOfOurs) {
  EXPECT_EQ(name(static_cast<ErrorCode>(200)), "internal");
}

TEST(AssertDeathTest, EndsTheProcessWithTheBrokenInvariant) {
  EXPECT_DEATH(CRYPTOTL_ASSERT(1 + 1 == 3), "error_test.cc:[0-9]+: broken invariant: 1 \\+ 1 == 3");
}

TEST(AssertTest, IsSilentWhereTheInvariantHolds) { CRYPTOTL_ASSERT(1 + 1 == 2); }

}  // namespace
}  // namespace cryptotl
