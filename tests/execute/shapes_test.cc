// Networks of every shape, activation and precision through encryption, against the plain network and the
// plan's predicted error.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "execute/encrypted_network.h"
#include "execute/random_case.h"

namespace cryptotl {
namespace {

void expect_predicted(const std::vector<size_t>& widths, size_t degree, double precision) {
  EncryptedNetwork both(random_network(widths, polynomial_of(degree), widths[0] + degree),
                        uniform_rows(30, widths[0], 2), 1, {precision, false});
  const double error = largest_error(both, uniform_rows(4, widths[0], 3));
  EXPECT_LE(error, both.plan.predicted_error) << "degree " << degree << ", precision " << precision;
  EXPECT_LE(both.plan.predicted_error, precision);
  EXPECT_GE(error * 16, both.plan.predicted_error) << "degree " << degree << ", precision " << precision;
}

TEST(ShapesTest, EveryDegreeKeepsItsPredictedError) {
  for (size_t degree = 2; degree <= 7; ++degree) expect_predicted({40, 30, 20}, degree, 1e-4);
}

TEST(ShapesTest, EveryDegreeKeepsAFinePrecision) {
  for (size_t degree = 2; degree <= 7; ++degree) expect_predicted({20, 12, 16}, degree, 1e-9);
}

TEST(ShapesTest, EveryPrecisionIsKept) {
  for (const double precision : {1e-2, 1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-11}) {
    expect_predicted({20, 12, 16}, 3, precision);
  }
}

TEST(ShapesTest, SeveralHiddenLayersOfDifferentWidths) {
  expect_predicted({30, 50, 20, 12}, 3, 1e-4);
  expect_predicted({30, 10, 40, 12}, 2, 1e-6);
  expect_predicted({30, 20, 20, 20, 12}, 2, 1e-4);
}

TEST(ShapesTest, WidthsFromOneTo4096) {
  expect_predicted({1, 1, 16}, 2, 1e-4);
  expect_predicted({4096, 16, 16}, 2, 1e-4);
  expect_predicted({16, 4096, 16}, 2, 1e-4);
  expect_predicted({16, 16, 4096}, 2, 1e-4);
  expect_predicted({1500, 1100, 1300}, 3, 1e-4);
}

TEST(ShapesTest, TheAccuratePresetOnThePapersShapeIsWithin1e10) {
  EncryptedNetwork both(random_network(768, 768, 766, 1), uniform_rows(30, 768, 2), 1,
                        {kAccuratePrecision, false});
  const double error = largest_error(both, uniform_rows(3, 768, 3));
  EXPECT_LE(error, 1e-10);
  EXPECT_LE(error, both.plan.predicted_error);
  EXPECT_GE(error * 8, both.plan.predicted_error);
}

TEST(ShapesTest, SeveralThreadsChangeNoBitOfAWideNetwork) {
  EncryptedNetwork both(random_network(1500, 1100, 1300, 1), uniform_rows(30, 1500, 2));
  LatencyRunner two(both.program, 2);
  const Matrix rows = uniform_rows(1, 1500, 3);
  const Ciphertext input = both.encrypted(rows.row(0));
  const auto alone = both.decrypted(both.runner.run(input, *both.keys));
  EXPECT_EQ(both.decrypted(two.run(input, *both.keys)), alone);
}

/// The slots of the answer to one row.
std::vector<Complex> answer_slots(EncryptedNetwork& both, std::span<const double> row) {
  const SwitchedCiphertext answer = both.runner.run(both.encrypted(row), *both.keys);
  return both.encoder.decode(decrypt(both.secret, answer), answer.scale);
}

class RandomSlots : public testing::TestWithParam<size_t> {};

TEST_P(RandomSlots, AnAnswerHoldsItsOutputsAndRandomNumbersElsewhere) {
  const size_t outputs = GetParam();
  EncryptedNetwork both(random_network(40, 60, outputs, 1), uniform_rows(30, 40, 2), 1,
                        {kFastPrecision, true});
  const Matrix rows = uniform_rows(1, 40, 3);
  const std::vector<double> expected = forward(both.network, rows.row(0));
  const auto first = answer_slots(both, rows.row(0));
  const auto second = answer_slots(both, rows.row(0));
  const auto got = unpack_output(both.plan.packing, first);
  for (size_t r = 0; r < outputs; ++r) EXPECT_NEAR(got[r], expected[r], both.plan.predicted_error);

  // The same input twice: the outputs are the same, every other number is new and spread over the whole
  // range.
  const double limit = both.plan.output_limit;
  const size_t half = both.plan.packing.half_outputs();
  std::vector<double> differences;
  double mean_square = 0;
  for (size_t t = 0; t < first.size(); ++t) {
    if (t >= half) differences.push_back(first[t].real() - second[t].real());
    if (t + half >= outputs) differences.push_back(first[t].imag() - second[t].imag());
  }
  EXPECT_EQ(differences.size() + outputs, 2 * first.size());
  size_t small = 0;
  for (const double difference : differences) {
    mean_square += difference * difference / static_cast<double>(differences.size());
    small += std::abs(difference) < 1e-3 * limit ? 1 : 0;
  }
  // The difference of two uniform numbers on [-limit, limit]: variance 2 limit^2 / 3.
  EXPECT_NEAR(mean_square, 2 * limit * limit / 3, 0.1 * limit * limit);
  EXPECT_LT(small, differences.size() / 100);
}

TEST_P(RandomSlots, WithoutThemTheOtherSlotsOfFewOutputsHoldNoPartialSums) {
  const size_t outputs = GetParam();
  const FoldedNetwork network = random_network(40, 60, outputs, 1);
  const Calibration calibration = calibrate(network, uniform_rows(30, 40, 2));
  EncryptedNetwork both(network, calibration, plan_latency(network, calibration).value(), 1, true);
  ASSERT_TRUE(both.plan.packing.only_outputs());
  const Matrix rows = uniform_rows(1, 40, 3);
  const auto slots = answer_slots(both, rows.row(0));
  const auto expected = forward(both.network, rows.row(0));
  const Packing& packing = both.plan.packing;
  double bias_free_limit = 0;
  for (size_t t = packing.half_outputs(); t < slots.size(); ++t) {
    // Copies of the outputs less their bias stand at every stride; nothing anywhere else.
    if (t % packing.output_stride < packing.half_outputs()) continue;
    bias_free_limit = std::max(bias_free_limit, std::abs(slots[t]));
  }
  EXPECT_LT(bias_free_limit, both.plan.predicted_error);
}

INSTANTIATE_TEST_SUITE_P(FewOutputs, RandomSlots, testing::Values(1, 2, 3));

// All slots of an answer hold outputs of three here, biases and all, where the calibration counts a bias
// once.
TEST(FewOutputs, OfLargeBiasesDoNotWrapAround) {
  for (const uint64_t seed : {3, 5}) {
    const FoldedNetwork network = random_network({50, 36, 70, 3}, Draws(seed).activation(2), seed);
    EncryptedNetwork both(network, uniform_rows(100, 50, 3), 1, {.precision = 1.7e-4});
    ASSERT_TRUE(both.plan.packing.only_outputs());
    EXPECT_LE(largest_error(both, uniform_rows(5, 50, 7)), both.plan.predicted_error) << seed;
  }
}

}  // namespace
}  // namespace cryptotl
