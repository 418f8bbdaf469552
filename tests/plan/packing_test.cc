#include "cryptotl/plan/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "plan/random_network.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;
using Complex = std::complex<double>;

TEST(BabySteps, RefuseNoneMoreThanThereAreDiagonalsAndUnevenGroups) {
  EXPECT_FALSE(valid_baby_steps(0, 64));
  EXPECT_FALSE(valid_baby_steps(80, 128));
  for (size_t steps = 1; steps <= kMaxBabySteps; ++steps) EXPECT_FALSE(valid_baby_steps(steps, steps - 1));
  for (size_t steps = kLazyTerms + 1; steps <= kMaxBabySteps; ++steps)
    EXPECT_EQ(valid_baby_steps(steps, 128), steps % kLazyTerms == 0) << steps;
}

TEST(BabySteps, MayBeAnyNumberThatOneLazySumTakes) {
  for (size_t steps = 1; steps <= kLazyTerms; ++steps) EXPECT_TRUE(valid_baby_steps(steps, steps));
  EXPECT_TRUE(valid_baby_steps(32, 33));
  EXPECT_TRUE(valid_baby_steps(kMaxBabySteps, kMaxBabySteps));
}

TEST(PackingTest, RefusesWidthsBeyondTheLimitByName) {
  for (size_t place = 0; place < 4; ++place) {
    std::vector<size_t> widths = {4, 4, 4, 4};
    widths[place] = 4097;
    const auto packings = possible_packings(widths, 13);
    ASSERT_FALSE(packings.ok());
    const char* const names[] = {"input width", "hidden layer 1", "hidden layer 2", "output width"};
    EXPECT_THAT(packings.error().what(), testing::AllOf(HasSubstr(names[place]), HasSubstr("4097")));
  }
}

TEST(PackingTest, RefusesRingsWithTooFewSlots) {
  const auto packings = possible_packings(std::vector<size_t>{8, 4096, 8}, 12);
  ASSERT_FALSE(packings.ok());
  EXPECT_THAT(packings.error().what(), HasSubstr("2048 slots"));
}

TEST(PackingTest, OffersEverySizeOfBlockFromTheWidestLayerToTheWholeRing) {
  const auto packings = possible_packings(std::vector<size_t>{768, 300, 766}, 13).value();
  ASSERT_EQ(packings.size(), 4u);
  for (size_t i = 0; i < packings.size(); ++i) EXPECT_EQ(packings[i].block, size_t{512} << i);
}

TEST(PackingTest, FoldsOfFewOutputsLeaveNothingButOutputs) {
  const FoldedNetwork network = random_network(768, 768, 1, 1);
  const Packing packing = possible_packings(widths_of(network), 13).value().front();
  EXPECT_TRUE(packing.only_outputs());
  EXPECT_EQ(packing.output_stride * packing.output_copies, packing.block);
}

/// Calls `visit` for the packings of random widths that fit N = 8192.
template <typename Visit>
void for_random_packings(size_t widths_drawn, const Visit& visit) {
  std::mt19937_64 generator(1);
  std::uniform_int_distribution<size_t> width(1, kMaxEncryptedWidth);
  for (size_t i = 0; i < widths_drawn; ++i) {
    const std::vector<size_t> widths = {width(generator), width(generator), width(generator)};
    const auto packings = possible_packings(widths, 13);
    ASSERT_TRUE(packings.ok()) << packings.error().what();
    for (const Packing& packing : *packings) visit(packing);
  }
}

TEST(PackingTest, EveryWidthUpToTheLimitFitsSomeRing) {
  for_random_packings(200, [](const Packing& packing) { EXPECT_TRUE(check_packing(packing).ok()); });
}

TEST(PackingTest, EveryInputMeetsEveryUnitOnce) {
  for_random_packings(20, [](const Packing& packing) {
    for (const size_t unit : {size_t{0}, packing.widths[1] / 2, packing.widths[1] - 1}) {
      std::vector<int> met(packing.period());
      for (size_t slot = unit; slot < packing.slots(); slot += packing.block) {
        for (size_t r = 0; r < packing.diagonals(0); ++r)
          ++met[input_of_slot(packing, (slot + r) % packing.slots())];
      }
      ASSERT_THAT(met, testing::Each(1)) << packing.block << " " << unit;
    }
  });
}

/// Slots of an answer by the definition: every rotation's entries times the units that they meet, then the
/// copies folded.
std::vector<Complex> answer_slots(const Packing& packing, const Matrix& weight,
                                  std::span<const double> hidden) {
  const size_t half = packing.half_outputs();
  std::vector<Complex> slots(packing.slots());
  for (size_t t = 0; t < slots.size(); ++t) {
    for (size_t r = 0; r < packing.output_window; ++r) {
      OutputEntry entry;
      if (!output_entry(packing, t, r, entry) || entry.unit >= hidden.size()) continue;
      const double below = entry.row + half < weight.rows ? weight(entry.row + half, entry.unit) : 0.0;
      slots[t] += Complex(weight(entry.row, entry.unit), below) * hidden[entry.unit];
    }
  }
  for (size_t copies = 1; copies < packing.output_copies; copies *= 2) {
    const std::vector<Complex> before = slots;
    for (size_t t = 0; t < slots.size(); ++t)
      slots[t] += before[(t + copies * packing.output_stride) % slots.size()];
  }
  return slots;
}

TEST(PackingTest, EveryPackingSumsTheOutputsWholeAndKnowsTheMeanOfItsSlots) {
  const std::vector<size_t> shapes[] = {{4, 5, 3},       {40, 60, 1},    {30, 100, 33},
                                        {768, 768, 766}, {4, 500, 4000}, {5, 2049, 7}};
  for (const std::vector<size_t>& widths : shapes) {
    const Matrix weight = random_network(widths, kPaperCubic, 1).maps.back().weight;
    const Matrix row = uniform_rows(1, widths[1], 2);
    const std::vector<Packing> packings = possible_packings(widths, 13).value();
    for (const Packing& packing : packings) {
      const std::vector<Complex> slots = answer_slots(packing, weight, row.row(0));
      const std::vector<double> outputs = unpack_output(packing, slots);
      for (size_t r = 0; r < outputs.size(); ++r) {
        double expected = 0;
        for (size_t unit = 0; unit < widths[1]; ++unit) expected += weight(r, unit) * row(0, unit);
        ASSERT_NEAR(outputs[r], expected, 1e-9) << packing.block << " " << r;
      }
      double sum = 0;
      for (const Complex& slot : slots) sum += std::abs(slot);
      EXPECT_NEAR(mean_answer_slot(packing, partial_outputs(weight, row.row(0))),
                  sum / static_cast<double>(slots.size()), 1e-9)
          << packing.block;
    }
  }
}

}  // namespace
}  // namespace cryptotl
