#include "cryptotl/transfer/extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

double largest_error(const Matrix& a, const Matrix& b) {
  double largest = 0;
  for (size_t i = 0; i < a.values.size(); ++i)
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  return largest;
}

TEST(ExtractorTest, RefusesRowsOfAnotherWidth) {
  SmallWorld world;
  FeatureExtractor extractor(world.client, world.keys);
  EXPECT_EQ(code_of([&] { extractor.extract(uniform_matrix(2, kSmallInputs + 1, 1)); }),
            ErrorCode::parameter_mismatch);
}

TEST(ExtractorTest, ThrowsTheErrorOfAServerThatLacksTheKeys) {
  SmallWorld world;
  const ClientKeys unknown = ClientKeys::generate(world.client.metadata());
  FeatureExtractor extractor(world.client, unknown);
  EXPECT_EQ(code_of([&] { extractor.extract(uniform_matrix(2, kSmallInputs, 1)); }), ErrorCode::missing_key);
}

TEST(ExtractorTest, ThrowsOneErrorWhereTheServerGoesInTheMiddle) {
  SmallWorld world;
  FeatureExtractor extractor(world.client, world.keys);
  const auto stop_after_three = [&](size_t done, size_t) {
    if (done == 3) world.server->stop();
  };
  EXPECT_EQ(code_of([&] { extractor.extract(uniform_matrix(10, kSmallInputs, 1), stop_after_three); }),
            ErrorCode::resource_exhausted);
}

TEST(ExtractorTest, GivesThePlainFeaturesWithinThePredictedError) {
  SmallWorld world;
  const Matrix rows = uniform_matrix(20, kSmallInputs, 5);
  size_t reported = 0;
  const Extraction out =
      FeatureExtractor(world.client, world.keys).extract(rows, [&](size_t done, size_t) { reported = done; });
  EXPECT_LE(largest_error(out.features, forward(world.model.lower, rows)),
            world.client.metadata().plan.predicted_error);
  EXPECT_EQ(out.usable().size(), 20u);
  EXPECT_EQ(reported, 20u);
  EXPECT_THAT(out.warnings(world.client.metadata()), IsEmpty());
  for (const auto* times :
       {&out.times.encrypt, &out.times.round_trip, &out.times.server, &out.times.decrypt}) {
    EXPECT_EQ(times->size(), 20u);
    for (const double time : *times) EXPECT_GT(time, 0);
  }
}

TEST(ExtractorTest, OneRowAfterTheOtherGivesWhatOverlappingGives) {
  SmallWorld world;
  const Matrix rows = uniform_matrix(4, kSmallInputs, 5);
  const Matrix overlapped = FeatureExtractor(world.client, world.keys, true).extract(rows).features;
  const Matrix plain = FeatureExtractor(world.client, world.keys, false).extract(rows).features;
  EXPECT_LE(largest_error(overlapped, plain), 2 * world.client.metadata().plan.predicted_error);
}

TEST(ExtractorTest, ClipsInputsToTheModelsRangeAndSaysWhere) {
  SmallWorld world;
  const ValueRange range = world.client.metadata().plan.input_range;
  Matrix rows = uniform_matrix(3, kSmallInputs, 5);
  rows(1, 4) = 99;
  rows(1, 5) = -99;
  Matrix clipped = rows;
  clipped(1, 4) = range.high;
  clipped(1, 5) = range.low;
  const Extraction out = FeatureExtractor(world.client, world.keys).extract(rows);
  EXPECT_THAT(out.clipped, ElementsAre(0, 2, 0));
  EXPECT_LE(largest_error(out.features, forward(world.model.lower, clipped)), 1e-4);
  ASSERT_EQ(out.warnings(world.client.metadata()).size(), 1u);
  EXPECT_THAT(out.warnings(world.client.metadata())[0], HasSubstr("2 scaled inputs"));
  EXPECT_THAT(out.warnings(world.client.metadata())[0], HasSubstr("in 1 row: 2"));
}

/// Answers of about half of the rows lie beyond what this model was calibrated for.
Model narrow_model() {
  Model model = small_model();
  const double largest = std::max(-model.calibration.output.low, model.calibration.output.high);
  model.calibration.output = {-0.35 * largest, 0.35 * largest};
  return model;
}

TEST(ExtractorTest, FlagsAnswersBeyondTheSafeRangeAndGivesNoneOfTheirValues) {
  SmallWorld world(narrow_model());
  const Matrix rows = uniform_matrix(30, kSmallInputs, 9);
  const Matrix plain = forward(world.model.lower, rows);
  const double limit = world.client.metadata().plan.output_limit;
  const Extraction out = FeatureExtractor(world.client, world.keys).extract(rows);
  size_t flagged = 0;
  for (size_t i = 0; i < rows.rows; ++i) {
    const bool beyond = std::ranges::any_of(plain.row(i), [&](double y) { return std::abs(y) > limit; });
    EXPECT_EQ(out.flagged[i], beyond) << i;
    flagged += beyond ? 1 : 0;
    EXPECT_EQ(std::ranges::count(out.features.row(i), 0.0), beyond ? static_cast<long>(kSmallFeatures) : 0);
  }
  ASSERT_GT(flagged, 0u);
  ASSERT_LT(flagged, rows.rows);
  EXPECT_EQ(out.usable().size(), rows.rows - flagged);
  EXPECT_THAT(out.warnings(world.client.metadata()).back(), HasSubstr("safe range"));
  // Every row was asked for, flagged or not: the server cannot tell.
  EXPECT_EQ(out.times.server.size(), rows.rows);
}

TEST(ExtractorTest, NoRowsAreNoRequests) {
  SmallWorld world;
  world.server->stop();
  EXPECT_EQ(FeatureExtractor(world.client, world.keys).extract(Matrix(0, kSmallInputs)).features.rows, 0u);
}

}  // namespace
}  // namespace cryptotl
