#include "cryptotl/data/scaler.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace cryptotl {
namespace {

using testing::ElementsAre;

Matrix matrix(size_t rows, size_t cols, std::vector<double> values) {
  Matrix out(rows, cols);
  out.values = std::move(values);
  return out;
}

template <typename Call>
void expect_error(ErrorCode code, const Call& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(name(error.code()), name(code)) << error.what();
  }
}

TEST(MinMaxScaler, RefusesToFitNothing) {
  expect_error(ErrorCode::invalid_argument, [] { MinMaxScaler::fit(Matrix()); });
  expect_error(ErrorCode::invalid_argument, [] { MinMaxScaler::fit(Matrix(0, 3)); });
  expect_error(ErrorCode::invalid_argument, [] { MinMaxScaler::fit(matrix(2, 1, {-1.7e308, 1.7e308})); });
}

TEST(MinMaxScaler, RefusesRowsOfAnotherWidth) {
  const MinMaxScaler scaler = MinMaxScaler::fit(matrix(2, 2, {0, 0, 1, 1}));
  std::vector<double> row(3);
  expect_error(ErrorCode::parameter_mismatch, [&] { scaler.apply(std::span(row)); });
}

TEST(MinMaxScaler, RefusesBrokenJson) {
  for (const char* text :
       {"null", "[]", "{}", R"({"minimum": [0]})", R"({"minimum": [0], "maximum": [1, 2]})",
        R"({"minimum": [], "maximum": []})", R"({"minimum": ["0"], "maximum": [1]})",
        R"({"minimum": [2], "maximum": [1]})", R"({"minimum": [null], "maximum": [1]})",
        R"({"minimum": 0, "maximum": 1})", R"({"minimum": [-1.7e308], "maximum": [1.7e308]})"}) {
    SCOPED_TRACE(text);
    const auto scaler = MinMaxScaler::from_json(nlohmann::json::parse(text));
    ASSERT_FALSE(scaler.ok());
    EXPECT_EQ(scaler.error().code(), ErrorCode::malformed);
  }
  const nlohmann::json infinite = {{"minimum", {0.0}},
                                   {"maximum", {std::numeric_limits<double>::infinity()}}};
  EXPECT_FALSE(MinMaxScaler::from_json(infinite).ok());
}

TEST(MinMaxScaler, MapsTheFittedRowsToZeroToOne) {
  Matrix rows = matrix(3, 2, {1, -4, 3, 4, 2, 0});
  MinMaxScaler::fit(rows).apply(rows);
  EXPECT_THAT(rows.values, ElementsAre(0, 0, 1, 1, 0.5, 0.5));
}

TEST(MinMaxScaler, CountsARangeOfZeroAsOne) {
  const MinMaxScaler scaler = MinMaxScaler::fit(matrix(2, 1, {5, 5}));
  std::vector<double> row = {5.25};
  scaler.apply(std::span(row));
  EXPECT_THAT(row, ElementsAre(0.25));
}

TEST(MinMaxScaler, ClipsAndCounts) {
  std::vector<double> row = {-0.6, -0.5, 0, 1.4, 1.5};
  EXPECT_EQ(MinMaxScaler::clip(row, -0.5, 1.4), 2u);
  EXPECT_THAT(row, ElementsAre(-0.5, -0.5, 0, 1.4, 1.4));
  EXPECT_EQ(MinMaxScaler::clip(row, -0.5, 1.4), 0u);
}

TEST(MinMaxScaler, SurvivesJsonExactly) {
  const MinMaxScaler scaler = MinMaxScaler::fit(matrix(2, 3, {0.1, -1e-300, 7, 1.0 / 3, 5e-324, 7}));
  EXPECT_EQ(MinMaxScaler::from_json(nlohmann::json::parse(scaler.to_json().dump())).value(), scaler);
}

}  // namespace
}  // namespace cryptotl
