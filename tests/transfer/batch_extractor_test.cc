#include "cryptotl/transfer/batch_extractor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cryptotl/transfer/extractor.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

double largest_error(const Matrix& got, const Matrix& wanted) {
  double largest = 0;
  for (size_t i = 0; i < wanted.values.size(); ++i)
    largest = std::max(largest, std::abs(got.values.at(i) - wanted.values[i]));
  return largest;
}

class BatchExtraction : public testing::Test {
 protected:
  explicit BatchExtraction(Model model = small_model()) : world_(std::move(model)) {}

  PendingRows pending(const Matrix& rows, FeatureCache* cache = nullptr) {
    return pending_rows(world_.client.metadata(), rows, cache);
  }
  Extraction extract(const Matrix& rows, FeatureCache* cache = nullptr,
                     const ProgressFunction& progress = {}) {
    return BatchExtractor(world_.client).extract(pending(rows, cache), progress, cache);
  }
  FeatureCache cache() {
    return FeatureCache::open(world_.folder.path() / "cache", world_.client.metadata()).value();
  }
  double predicted() const { return world_.client.metadata().predicted_error(); }
  /// The same server again, at the same port, with nothing in memory.
  void restart() {
    const std::string url = world_.server->url();
    world_.server.reset();
    ServerOptions options;
    options.key_store = world_.folder.path() / "store";
    options.listen = url.substr(url.rfind('/') + 1);
    world_.server = Server::start(world_.model, options).value();
  }
  SmallWorld world_;
};

TEST_F(BatchExtraction, GivesTheFeaturesOfEverySampleToThePredictedError) {
  const Matrix rows = uniform_matrix(200, kSmallInputs, 5);
  std::vector<size_t> steps;
  const Extraction out = extract(rows, nullptr, [&](size_t done, size_t total) {
    steps.push_back(done);
    EXPECT_EQ(total, 200u);
  });
  EXPECT_LE(largest_error(out.features, forward(world_.model.lower, rows)), predicted());
  EXPECT_EQ(out.usable().size(), 200u);
  EXPECT_TRUE(out.batched);
  EXPECT_EQ(steps.back(), 200u);
  EXPECT_TRUE(std::ranges::is_sorted(steps));
  EXPECT_EQ(out.times.server.size(), 200u);
  EXPECT_GT(out.times.encrypt[0], 0);
  EXPECT_GT(out.times.decrypt[0], 0);
}

TEST_F(BatchExtraction, FillsSeveralBatches) {
  const size_t samples = world_.client.metadata().batches.back().plan.samples();
  const Matrix rows = uniform_matrix(samples + 10, kSmallInputs, 6);
  BatchExtractor extractor(world_.client);
  const Extraction out = extractor.extract(pending(rows));
  EXPECT_EQ(extractor.batches().size(), 2u);
  EXPECT_LE(largest_error(out.features, forward(world_.model.lower, rows)), predicted());
}

TEST_F(BatchExtraction, ClipsAsPassesDo) {
  Matrix rows = uniform_matrix(3, kSmallInputs, 5);
  rows(1, 4) = 50;
  const Extraction batched = extract(rows);
  const Extraction passed = FeatureExtractor(world_.client, world_.keys).extract(rows);
  EXPECT_EQ(batched.clipped, passed.clipped);
  EXPECT_LE(largest_error(batched.features, passed.features), 2 * world_.client.metadata().predicted_error());
}

TEST_F(BatchExtraction, AsksForWhatTheCacheLacksWhicheverWayItCameThere) {
  const Matrix rows = uniform_matrix(30, kSmallInputs, 5);
  {
    FeatureCache kept = cache();
    FeatureExtractor(world_.client, world_.keys)
        .extract(take_rows(rows, std::vector<size_t>{3, 4, 29}), {}, &kept);
  }
  FeatureCache kept = cache();
  const Extraction out = extract(rows, &kept);
  EXPECT_EQ(out.cached, 3u);
  EXPECT_EQ(out.times.server.size(), 27u);
  EXPECT_LE(largest_error(out.features, forward(world_.model.lower, rows)),
            world_.client.metadata().predicted_error());
  world_.server->stop();
  const Extraction again = FeatureExtractor(world_.client, world_.keys).extract(rows, {}, &kept);
  EXPECT_EQ(again.cached, 30u);
  EXPECT_EQ(again.features.values, out.features.values);
}

TEST_F(BatchExtraction, GoesOnUnderANewKeyWhereTheServerHasBegunAnew) {
  BatchExtractor extractor(world_.client);
  const Matrix rows = uniform_matrix(10, kSmallInputs, 5);
  extractor.extract(pending(rows));
  restart();
  const Extraction out = extractor.extract(pending(rows));
  EXPECT_LE(largest_error(out.features, forward(world_.model.lower, rows)), predicted());
}

TEST_F(BatchExtraction, KeepsFinishedBatchesWhereTheServerGoes) {
  const size_t samples = world_.client.metadata().batches.back().plan.samples();
  const Matrix rows = uniform_matrix(samples + 50, kSmallInputs, 6);
  {
    FeatureCache kept = cache();
    const auto stop_in_the_second = [&](size_t done, size_t) {
      if (done > samples && world_.server) world_.server.reset();
    };
    EXPECT_EQ(code_of([&] { extract(rows, &kept, stop_in_the_second); }), ErrorCode::resource_exhausted);
  }
  EXPECT_EQ(describe_feature_cache(world_.folder.path() / "cache").value()["rows"], samples);
  world_.server = SmallWorld::start(world_.model, world_.folder.path());
  world_.client = ServiceClient::connect(world_.server->url()).value();
  FeatureCache kept = cache();
  const Extraction out = extract(rows, &kept);
  EXPECT_EQ(out.cached, samples);
  EXPECT_EQ(out.times.server.size(), 50u);
  EXPECT_LE(largest_error(out.features, forward(world_.model.lower, rows)), predicted());
}

TEST_F(BatchExtraction, NoRowsAreNoRequests) {
  world_.server->stop();
  EXPECT_EQ(extract(Matrix(0, kSmallInputs)).features.rows, 0u);
}

/// Some of its features lie beyond what it says of its range, none of their means over all samples does.
Model narrow_model() {
  Model model = small_model();
  const Matrix rows = uniform_matrix(50, kSmallInputs, 7);
  const Matrix features = forward(model.lower, rows);
  std::vector<double>& bias = std::get<Dense>(model.lower.layers.back()).bias;
  for (size_t i = 0; i < features.rows; ++i) {
    for (size_t j = 0; j < kSmallFeatures; ++j)
      bias[j] -= features(i, j) / static_cast<double>(features.rows);
  }
  model.calibration = calibrate(fold(model.lower).value(), rows);
  const double largest = std::max(-model.calibration.output.low, model.calibration.output.high);
  model.calibration.output = {-0.35 * largest, 0.35 * largest};
  return model;
}

class FlaggedBatches : public BatchExtraction {
 protected:
  FlaggedBatches() : BatchExtraction(narrow_model()) {}
};

TEST_F(FlaggedBatches, AreMarkedSampleBySampleAndKeptAsSuch) {
  const Matrix rows = uniform_matrix(30, kSmallInputs, 9);
  const Matrix plain = forward(world_.model.lower, rows);
  const double limit = world_.client.metadata().batches.back().plan.output_limit;
  FeatureCache kept = cache();
  const Extraction out = extract(rows, &kept);
  for (size_t i = 0; i < rows.rows; ++i) {
    const bool beyond = std::ranges::any_of(plain.row(i), [&](double y) { return std::abs(y) > limit; });
    EXPECT_EQ(out.flagged[i], beyond) << i;
    EXPECT_EQ(std::ranges::count(out.features.row(i), 0.0), beyond ? static_cast<long>(kSmallFeatures) : 0);
  }
  ASSERT_GT(out.usable().size(), 0u);
  ASSERT_LT(out.usable().size(), rows.rows);
  const Extraction again = extract(rows, &kept);
  EXPECT_EQ(again.times.server.size(), 0u) << "flagged rows are not asked for again";
  EXPECT_EQ(again.flagged, out.flagged);
}

TEST(BatchExtractionAlone, RefusesAServerThatTakesNone) {
  const TemporaryFolder folder = test_folder();
  ServerOptions options;
  options.key_store = folder.path() / "store";
  options.batches.offer = false;
  const auto server = Server::start(small_model(), options).value();
  ServiceClient client = ServiceClient::connect(server->url()).value();
  EXPECT_EQ(code_of([&] { BatchExtractor extractor(client); }), ErrorCode::not_found);
}

}  // namespace
}  // namespace cryptotl
