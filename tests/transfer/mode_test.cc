#include "cryptotl/transfer/mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

ModelMetadata with_batches(const std::vector<size_t>& kinds = {0}) {
  const Model model = small_model();
  ModelMetadata out = metadata_of(model);
  const FoldedNetwork network = fold(model.lower).value();
  for (const size_t samples : kinds) {
    out.batches.push_back(BatchMetadata::of(
        out.model_digest, plan_batch(network, model.calibration, {.samples = samples}).value(), 1, 10,
        KernelSpeeds::reference()));
  }
  out.batches.back().batch_milliseconds = 3000;
  return out;
}

TEST(Mode, TakesWhatIsQuickerAndSaysWhy) {
  const ModelMetadata model = with_batches();
  const ModeChoice few = choose_mode(Mode::automatic, 299, model, false);
  EXPECT_EQ(few.mode, Mode::latency);
  EXPECT_EQ(few.reason, "299 inputs take about 3 s of the server's time in 1 batch, 2.99 s one by one");
  EXPECT_EQ(choose_mode(Mode::automatic, 301, model, false).mode, Mode::batch);
  const size_t samples = model.batches.back().plan.samples();
  EXPECT_EQ(choose_mode(Mode::automatic, samples + 1, model, false).mode, Mode::batch);
  EXPECT_THAT(choose_mode(Mode::automatic, samples + 1, model, false).reason,
              testing::HasSubstr("6 s of the server's time in 2 batches"));
  EXPECT_EQ(choose_mode(Mode::automatic, 1, model, false).mode, Mode::latency);
  EXPECT_EQ(choose_mode(Mode::automatic, 0, model, false).mode, Mode::latency);
}

TEST(Mode, FillsTheLargestBatchesAndTakesTheQuickestForTheRest) {
  ModelMetadata model = with_batches({256, 1024, 0});
  model.batches[0].batch_milliseconds = 650;
  model.batches[1].batch_milliseconds = 1400;
  const size_t full = model.batches[2].plan.samples();
  const auto batches = [&](size_t inputs) { return batches_of(model.batches, inputs); };
  using Kinds = std::vector<size_t>;
  EXPECT_EQ(batches(0), Kinds{});
  EXPECT_EQ(batches(1), Kinds{0});
  EXPECT_EQ(batches(300), (Kinds{0, 0})) << "two small ones are quicker than a larger";
  EXPECT_EQ(batches(600), Kinds{1});
  EXPECT_EQ(batches(2000), (Kinds{1, 1})) << "quicker than a full one";
  EXPECT_EQ(batches(2100), Kinds{2});
  EXPECT_EQ(batches(2 * full + 5), (Kinds{2, 2, 0}));
  EXPECT_EQ(choose_mode(Mode::automatic, 600, model, false).reason,
            "600 inputs take about 1.4 s of the server's time in 1 batch, 6 s one by one");
}

TEST(Mode, IsWhatIsAskedForWhereThatCanBeHad) {
  const ModelMetadata model = with_batches();
  EXPECT_EQ(choose_mode(Mode::batch, 1, model, false).mode, Mode::batch);
  EXPECT_EQ(choose_mode(Mode::latency, 100'000, model, false).mode, Mode::latency);
  ModelMetadata without = model;
  without.batches.clear();
  EXPECT_EQ(choose_mode(Mode::automatic, 100'000, without, false).mode, Mode::latency);
  EXPECT_EQ(choose_mode(Mode::automatic, 100'000, model, true).mode, Mode::latency);
  EXPECT_EQ(code_of([&] { choose_mode(Mode::batch, 1, without, false); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { choose_mode(Mode::batch, 1, model, true); }), ErrorCode::invalid_argument);
  ModelMetadata scores = without;
  scores.answers = Answers::scores;
  EXPECT_EQ(code_of([&] { choose_mode(Mode::batch, 1, scores, false); }), ErrorCode::invalid_argument);
}

TEST(Mode, HasNames) {
  for (const Mode mode : {Mode::automatic, Mode::latency, Mode::batch})
    EXPECT_EQ(mode_named(name(mode)), mode);
  EXPECT_FALSE(mode_named("fast"));
}

}  // namespace
}  // namespace cryptotl
