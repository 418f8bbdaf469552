#include "cryptotl/transfer/mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

ModelMetadata with_batches() {
  const Model model = small_model();
  ModelMetadata out = metadata_of(model);
  out.batch =
      BatchMetadata::of(out.model_digest, plan_batch(fold(model.lower).value(), model.calibration).value(), 1,
                        10, KernelSpeeds::reference());
  out.batch->batch_milliseconds = 3000;
  return out;
}

TEST(Mode, TakesWhatIsQuickerAndSaysWhy) {
  const ModelMetadata model = with_batches();
  const ModeChoice few = choose_mode(Mode::automatic, 299, model, false);
  EXPECT_EQ(few.mode, Mode::latency);
  EXPECT_EQ(few.reason, "299 inputs take about 3 s of the server's time in 1 batch, 2.99 s one by one");
  EXPECT_EQ(choose_mode(Mode::automatic, 301, model, false).mode, Mode::batch);
  const size_t samples = model.batch->plan.samples();
  EXPECT_EQ(choose_mode(Mode::automatic, samples + 1, model, false).mode, Mode::batch);
  EXPECT_THAT(choose_mode(Mode::automatic, samples + 1, model, false).reason,
              testing::HasSubstr("6 s of the server's time in 2 batches"));
  EXPECT_EQ(choose_mode(Mode::automatic, 1, model, false).mode, Mode::latency);
  EXPECT_EQ(choose_mode(Mode::automatic, 0, model, false).mode, Mode::latency);
}

TEST(Mode, IsWhatIsAskedForWhereThatCanBeHad) {
  const ModelMetadata model = with_batches();
  EXPECT_EQ(choose_mode(Mode::batch, 1, model, false).mode, Mode::batch);
  EXPECT_EQ(choose_mode(Mode::latency, 100'000, model, false).mode, Mode::latency);
  ModelMetadata without = model;
  without.batch.reset();
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
