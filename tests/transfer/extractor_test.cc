#include "cryptotl/transfer/extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/execute/latency.h"
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

TEST(ExtractorTest, ThrowsTheErrorOfAServerThatLacksTheKeysWhereTheClientLostThem) {
  SmallWorld world;
  const std::filesystem::path folder = world.folder.path() / "keys";
  ClientKeys::generate(world.client.metadata()).save(folder, false).value();
  const ClientKeys unknown = ClientKeys::open(folder, world.client.metadata()).value();
  std::filesystem::remove(folder / kEvaluationKeyFile);
  FeatureExtractor extractor(world.client, unknown);
  EXPECT_EQ(code_of([&] { extractor.extract(uniform_matrix(2, kSmallInputs, 1)); }), ErrorCode::missing_key);
}

TEST(ExtractorTest, SendsTheKeysAgainToAServerThatLostThem) {
  SmallWorld world;
  const ClientKeys unknown = ClientKeys::generate(world.client.metadata());
  FeatureExtractor extractor(world.client, unknown);
  const Matrix rows = uniform_matrix(3, kSmallInputs, 1);
  EXPECT_LE(largest_error(extractor.extract(rows).features, forward(world.model.lower, rows)), 1e-4);
  EXPECT_TRUE(world.client.has_keys(unknown.evaluation_keys()).value());
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
  const Matrix overlapped =
      FeatureExtractor(world.client, world.keys, {.overlap = true}).extract(rows).features;
  const Matrix plain = FeatureExtractor(world.client, world.keys, {.overlap = false}).extract(rows).features;
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

class CachedExtraction : public testing::Test {
 protected:
  explicit CachedExtraction(Model model = small_model()) : world_(std::move(model)) {}
  Extraction extract(const Matrix& rows) {
    FeatureCache cache = FeatureCache::open(world_.folder.path() / "cache", world_.client.metadata()).value();
    return FeatureExtractor(world_.client, world_.keys).extract(rows, {}, &cache);
  }
  SmallWorld world_;
};

TEST_F(CachedExtraction, AsksForMissingRowsAloneAndGivesTheSameFeatures) {
  const Matrix rows = uniform_matrix(12, kSmallInputs, 5);
  const Extraction some = extract(take_rows(rows, std::vector<size_t>{2, 3, 11}));
  EXPECT_EQ(some.cached, 0u);
  const Extraction all = extract(rows);
  EXPECT_EQ(all.cached, 3u);
  EXPECT_EQ(all.times.server.size(), 9u);
  EXPECT_TRUE(std::ranges::equal(all.features.row(3), some.features.row(1)));
  world_.server->stop();
  const Extraction again = extract(rows);
  EXPECT_EQ(again.cached, 12u);
  EXPECT_EQ(again.times.server.size(), 0u);
  EXPECT_EQ(again.features.values, all.features.values);
  EXPECT_LE(largest_error(again.features, forward(world_.model.lower, rows)),
            world_.client.metadata().plan.predicted_error);
}

TEST_F(CachedExtraction, AsksForEqualRowsEachSoThatTheServerCannotCountThem) {
  Matrix rows = uniform_matrix(4, kSmallInputs, 5);
  std::ranges::copy(rows.row(0), rows.row(2).begin());
  EXPECT_EQ(extract(rows).times.server.size(), 4u);
  EXPECT_EQ(extract(rows).cached, 4u);
}

TEST_F(CachedExtraction, KnowsARowByItsScaledAndClippedValues) {
  Matrix rows = uniform_matrix(2, kSmallInputs, 5);
  rows(0, 3) = 77;
  extract(rows);
  rows(0, 3) = 88;
  rows(1, 0) = std::nextafter(rows(1, 0), 2);
  const Extraction out = extract(rows);
  EXPECT_EQ(out.cached, 1u);
  EXPECT_THAT(out.clipped, ElementsAre(1, 0));
}

class CachedFlags : public CachedExtraction {
 protected:
  CachedFlags() : CachedExtraction(narrow_model()) {}
};

TEST_F(CachedFlags, AreKeptWithoutFeaturesSoThatNoSecondRequestTellsTheServer) {
  const Matrix rows = uniform_matrix(30, kSmallInputs, 9);
  const Extraction first = extract(rows);
  ASSERT_GT(first.usable().size(), 0u);
  ASSERT_LT(first.usable().size(), rows.rows);
  const Extraction second = extract(rows);
  EXPECT_EQ(second.times.server.size(), 0u);
  EXPECT_EQ(second.flagged, first.flagged);
  EXPECT_EQ(second.features.values, first.features.values);
}

TEST_F(CachedExtraction, KeepsWhatCameBeforeTheServerWent) {
  const Matrix rows = uniform_matrix(10, kSmallInputs, 1);
  {
    FeatureCache cache = FeatureCache::open(world_.folder.path() / "cache", world_.client.metadata()).value();
    const auto stop_after_three = [&](size_t done, size_t) {
      if (done == 3) world_.server->stop();
    };
    FeatureExtractor extractor(world_.client, world_.keys);
    EXPECT_EQ(code_of([&] { extractor.extract(rows, stop_after_three, &cache); }),
              ErrorCode::resource_exhausted);
  }
  const auto kept = describe_feature_cache(world_.folder.path() / "cache").value();
  EXPECT_EQ(kept["rows"], 3);
}

/// A world whose server has so many tickets, and as many for one key set.
SmallWorld world_with_tickets(size_t count) {
  const Model model = small_model();
  ServiceLimits limits;
  limits.ticket_bytes = count * Ticket::bytes_of(metadata_of(model).plan);
  limits.ticket_shares = 1;
  return SmallWorld(model, limits);
}

TEST(TicketedExtraction, AnnouncesNothingWhereTheServerOffersNoTicketsOrNoneAreWanted) {
  SmallWorld none = world_with_tickets(0);
  FeatureExtractor extractor(none.client, none.keys);
  EXPECT_EQ(extractor.prepare(5), 0u);
  EXPECT_EQ(extractor.extract(uniform_matrix(5, kSmallInputs, 1)).prepared, 0u);
  SmallWorld world;
  FeatureExtractor unwilling(world.client, world.keys, {.tickets = false});
  EXPECT_EQ(unwilling.prepare(5), 0u);
  EXPECT_EQ(unwilling.extract(uniform_matrix(5, kSmallInputs, 1)).prepared, 0u);
  const TicketState state = world.client.ticket_state(world.keys.evaluation_keys()).value();
  EXPECT_EQ(state.waiting + state.ready, 0u);
}

TEST(TicketedExtraction, GoesOnWithoutTicketsWhereAnnouncementsFail) {
  SmallWorld world;
  const ClientKeys unknown = ClientKeys::generate(world.client.metadata());
  FeatureExtractor extractor(world.client, unknown);
  // The server refuses the first announcement, for keys that it does not have yet.
  const Matrix rows = uniform_matrix(30, kSmallInputs, 1);
  const Extraction out = extractor.extract(rows);
  EXPECT_LE(largest_error(out.features, forward(world.model.lower, rows)),
            world.client.metadata().plan.predicted_error);
}

TEST(TicketedExtraction, GivesTheRightFeaturesOfPreparedAndOtherRowsAlike) {
  SmallWorld world = world_with_tickets(6);
  FeatureExtractor extractor(world.client, world.keys);
  ASSERT_EQ(extractor.prepare(20), 6u);
  const Matrix rows = uniform_matrix(20, kSmallInputs, 5);
  const Extraction out = extractor.extract(rows);
  EXPECT_GE(out.prepared, 6u);
  EXPECT_LE(largest_error(out.features, forward(world.model.lower, rows)),
            world.client.metadata().plan.predicted_error);
}

TEST(TicketedExtraction, PreparesRowsOfTheNextExtractionAlone) {
  SmallWorld world;
  FeatureExtractor extractor(world.client, world.keys);
  ASSERT_EQ(extractor.prepare(4), 4u);
  ASSERT_EQ(extractor.prepare(7), 7u) << "more are announced to those that are there";
  EXPECT_EQ(extractor.extract(uniform_matrix(7, kSmallInputs, 5)).prepared, 7u);
  const TicketState state = world.client.ticket_state(world.keys.evaluation_keys()).value();
  EXPECT_EQ(state.waiting + state.ready, 0u);
}

TEST(TicketedExtraction, LeavesNoSeedAnnouncedThatNoRowIsFor) {
  SmallWorld world;
  FeatureExtractor extractor(world.client, world.keys);
  for (const size_t count : {1, 3, 40, 0, 17}) {
    extractor.extract(uniform_matrix(count, kSmallInputs, count));
    const TicketState state = world.client.ticket_state(world.keys.evaluation_keys()).value();
    EXPECT_EQ(state.waiting + state.ready, 0u) << count;
  }
}

TEST(TicketedExtraction, UsesEverySeedForOneRowWhicheverCameOfIt) {
  SmallWorld world = world_with_tickets(5);
  for (size_t round = 0; round < 3; ++round)
    FeatureExtractor(world.client, world.keys).extract(uniform_matrix(25, kSmallInputs, round));
  std::filesystem::path ledger = world.folder.path() / "store" / hex(world.keys.evaluation_keys());
  ledger += ".seeds";
  // Were one used twice, the server had refused it; a header and as many records as rows.
  EXPECT_EQ(std::filesystem::file_size(ledger), 48 + 75 * 40u);
}

TEST(ExtractorTest, NoRowsAreNoRequests) {
  SmallWorld world;
  world.server->stop();
  EXPECT_EQ(FeatureExtractor(world.client, world.keys).extract(Matrix(0, kSmallInputs)).features.rows, 0u);
}

}  // namespace
}  // namespace cryptotl
