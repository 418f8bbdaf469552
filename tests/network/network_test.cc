#include "cryptotl/network/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "random_network.h"

namespace cryptotl {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Dense dense(size_t out, size_t in) { return {Matrix(out, in), std::vector<double>(out)}; }

std::string refusal(const Network& network) {
  const auto width = output_width(network);
  return width.ok() ? "accepted" : width.error().what();
}

TEST(Validation, RefusesANetworkWithoutInputs) {
  EXPECT_THAT(refusal({0, {Relu{}}}), HasSubstr("rows of 1 to"));
  EXPECT_THAT(refusal({kMaxNetworkWidth + 1, {}}), HasSubstr("rows of 1 to"));
}

TEST(Validation, NamesTheDenseLayerThatDoesNotFit) {
  EXPECT_EQ(refusal({4, {Relu{}, dense(2, 5)}}),
            "layer 2 (Dense): weight [2][5] takes rows of 5, but the row has 4");
}

TEST(Validation, RefusesADenseLayerWhoseNumbersContradictItsShape) {
  Dense layer = dense(2, 4);
  layer.weight.values.pop_back();
  EXPECT_THAT(refusal({4, {layer}}), HasSubstr("layer 1 (Dense): weight [2][4] holds 7 numbers"));
  layer = dense(2, 4);
  layer.bias.pop_back();
  EXPECT_THAT(refusal({4, {layer}}), HasSubstr("the bias has 1 numbers for 2 outputs"));
  EXPECT_THAT(refusal({4, {dense(0, 4)}}), HasSubstr("0 outputs"));
}

TEST(Validation, RefusesNumbersThatAreNotFinite) {
  Dense layer = dense(2, 4);
  layer.weight(1, 3) = kNan;
  EXPECT_THAT(refusal({4, {layer}}), HasSubstr("the weight has a number that is not finite"));
  layer = dense(2, 4);
  layer.bias[1] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(refusal({4, {layer}}), HasSubstr("the bias has a number that is not finite"));
  EXPECT_THAT(refusal({4, {Conv1D{{1, kNan}}}}), HasSubstr("layer 1 (Conv1D)"));
  EXPECT_THAT(refusal({4, {Polynomial{{1, kNan}}}}), HasSubstr("layer 1 (Polynomial)"));
}

TEST(Validation, RefusesEmptyKernelsAndConstantPolynomials) {
  EXPECT_THAT(refusal({4, {Conv1D{{}}}}), HasSubstr("the kernel is empty"));
  EXPECT_THAT(refusal({4, {Polynomial{{1}}}}), HasSubstr("c0 and c1 at least"));
}

TEST(Validation, RefusesAWindowWiderThanItsRow) {
  EXPECT_THAT(refusal({4, {AveragePool1D{3}, MaxPool1D{3}}}),
              HasSubstr("layer 2 (MaxPool1D): a window of 3 does not fit a row of 2"));
  EXPECT_THAT(refusal({4, {AveragePool1D{0}}}), HasSubstr("layer 1 (AveragePool1D)"));
}

TEST(Validation, GivesTheWidthOfTheAnswer) {
  EXPECT_EQ(output_width({4, {}}).value(), 4U);
  EXPECT_EQ(output_width({4, {Conv1D{{1, 2, 3}}, AveragePool1D{2}, dense(7, 3), MaxPool1D{7}}}).value(), 1U);
  EXPECT_EQ(output_width(samples::paper_network(1)).value(), 766U);
}

TEST(Forward, ThrowsWhereTheRowHasAnotherWidth) {
  EXPECT_THROW(forward(Network{4, {}}, std::vector<double>(3)), Error);
  EXPECT_THROW(forward(Network{4, {}}, Matrix(2, 5)), Error);
}

TEST(Forward, ThrowsForANetworkThatIsNotWellFormed) {
  EXPECT_THROW(forward(Network{4, {dense(2, 5)}}, std::vector<double>(4)), Error);
}

std::vector<double> run(Layer layer, std::vector<double> row) {
  return forward(Network{row.size(), {layer}}, row);
}

TEST(Forward, ConvolvesWithZerosBeyondTheEndsAndDoesNotFlip) {
  EXPECT_THAT(run(Conv1D{{1, 10, 100}}, {1, 2, 3, 4}), ElementsAre(210, 321, 432, 43));
}

TEST(Forward, ConvolvesAnEvenKernelWithTheOddZeroAfterTheRow) {
  EXPECT_THAT(run(Conv1D{{1, 10}}, {1, 2, 3}), ElementsAre(21, 32, 3));
}

TEST(Forward, ConvolvesWithAKernelLongerThanTheRow) {
  EXPECT_THAT(run(Conv1D{{1, 2, 3, 4, 5, 6, 7}}, {1, 10}), ElementsAre(54, 43));
}

TEST(Forward, MultipliesAndAddsTheBias) {
  Dense layer = dense(3, 2);
  layer.weight.values = {1, 2, 3, 4, 5, 6};
  layer.bias = {100, 200, 300};
  EXPECT_THAT(run(layer, {1, 10}), ElementsAre(121, 243, 365));
}

TEST(Forward, EvaluatesPolynomialsFromTheConstantUp) {
  EXPECT_THAT(run(Polynomial{{1, 2, 3, 4}}, {0, 1, -2, 0.5}), ElementsAre(1, 10, -23, 3.25));
}

TEST(Forward, PoolsEveryWindow) {
  EXPECT_THAT(run(AveragePool1D{3}, {1, 2, 6, 4}), ElementsAre(3, 4));
  EXPECT_THAT(run(MaxPool1D{2}, {1, 5, 2, -4}), ElementsAre(5, 5, 2));
}

TEST(Forward, CutsAndSquashes) {
  EXPECT_THAT(run(Relu{}, {-1, 0, 2}), ElementsAre(0, 0, 2));
  EXPECT_THAT(run(Sigmoid{}, {0, 1000, -1000}), ElementsAre(0.5, 1, 0));
}

TEST(Forward, SoftmaxSumsToOneAlsoForLargeNumbers) {
  EXPECT_THAT(run(Softmax{}, {1000, 1000}), ElementsAre(0.5, 0.5));
  EXPECT_THAT(run(Softmax{}, {0, std::log(3)}), Pointwise(DoubleNear(1e-15), {0.25, 0.75}));
}

TEST(Forward, GivesARowTheSameBitsAloneAndAmongOthers) {
  for (int seed = 0; seed < samples::property_cases(); ++seed) {
    samples::NetworkMaker make(static_cast<uint64_t>(seed));
    const Network network = make.any_network();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + samples::text_of(network));
    const Matrix rows = make.rows(make.between(1, 20), network.input_width);
    const Matrix answers = forward(network, rows);
    for (size_t row = 0; row < rows.rows; ++row) {
      const auto alone = forward(network, rows.row(row));
      ASSERT_TRUE(std::ranges::equal(alone, answers.row(row)));
    }
  }
}

TEST(Forward, AgreesWithTheDefinitionOfADenseLayer) {
  for (int seed = 0; seed < samples::property_cases(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    samples::NetworkMaker make(static_cast<uint64_t>(seed));
    const Dense layer = make.dense(make.between(1, 50), make.between(1, 20));
    const Matrix rows = make.rows(make.between(1, 20), layer.weight.cols);
    const Matrix answers = forward(Network{rows.cols, {layer}}, rows);
    for (size_t row = 0; row < rows.rows; ++row) {
      for (size_t out = 0; out < layer.weight.rows; ++out) {
        long double sum = layer.bias[out];
        for (size_t i = 0; i < rows.cols; ++i)
          sum += static_cast<long double>(layer.weight(out, i)) * rows(row, i);
        ASSERT_NEAR(answers(row, out), static_cast<double>(sum), 1e-13);
      }
    }
  }
}

}  // namespace
}  // namespace cryptotl
