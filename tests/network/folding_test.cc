#include "cryptotl/network/folding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "random_network.h"

namespace cryptotl {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

const Polynomial kCubic{{1, 2, 3, 4}};

std::string refusal(const Network& network) {
  const auto folded = fold(network);
  return folded.ok() ? "accepted" : folded.error().what();
}

TEST(Fold, RefusesANetworkWithoutActivation) {
  EXPECT_THAT(refusal({4, {AveragePool1D{2}}}), HasSubstr("no activation; one cubic Polynomial is needed"));
  EXPECT_THAT(refusal({4, {}}), HasSubstr("no activation"));
}

TEST(Fold, RefusesASecondActivationByName) {
  EXPECT_THAT(refusal({4, {kCubic, AveragePool1D{2}, kCubic}}),
              HasSubstr("layer 3 (Polynomial): is a second activation; layer 1 must be the only one"));
  EXPECT_THAT(refusal({4, {kCubic, Sigmoid{}}}), HasSubstr("layer 2 (Sigmoid): is a second activation"));
}

TEST(Fold, RefusesOtherDegrees) {
  EXPECT_THAT(refusal({4, {Conv1D{{1}}, Polynomial{{1, 2, 3}}}}),
              HasSubstr("layer 2 (Polynomial): has degree 2"));
  EXPECT_THAT(refusal({4, {Polynomial{{1, 2, 3, 4, 5}}}}), HasSubstr("layer 1 (Polynomial): has degree 4"));
}

TEST(Fold, RefusesACubicWhoseCubicCoefficientIsZero) {
  EXPECT_THAT(refusal({4, {Polynomial{{1, 2, 3, 0}}}}), HasSubstr("its cubic coefficient is zero"));
}

TEST(Fold, RefusesActivationsThatAreNoPolynomials) {
  for (const Layer& layer : {Layer(Relu{}), Layer(Sigmoid{}), Layer(Softmax{}), Layer(MaxPool1D{2})}) {
    EXPECT_EQ(refusal({4, {Conv1D{{1}}, layer}}),
              "layer 2 (" + std::string(layer_name(layer)) +
                  "): is no polynomial; the one activation must be a cubic "
                  "Polynomial");
  }
}

TEST(Fold, RefusesLayersThatDoNotFit) {
  EXPECT_THAT(refusal({4, {kCubic, AveragePool1D{5}}}), HasSubstr("layer 2 (AveragePool1D)"));
}

TEST(Fold, RefusesRowsTooWideForAMatrix) {
  const auto folded = fold({kMaxFoldedWidth + 1, {kCubic}});
  ASSERT_FALSE(folded.ok());
  EXPECT_EQ(folded.error().code(), ErrorCode::too_large);
  const Dense wide{Matrix(kMaxFoldedWidth + 1, 1), std::vector<double>(kMaxFoldedWidth + 1)};
  EXPECT_THAT(refusal({1, {wide, kCubic}}), HasSubstr("layer 1 (Dense): a row of 8193"));
}

TEST(Fold, ThrowsWhereTheRowHasAnotherWidth) {
  const FoldedNetwork folded = fold({4, {kCubic}}).value();
  EXPECT_THROW(forward(folded, std::vector<double>(3)), Error);
}

TEST(Fold, DepressesTheCubicAsStated) {
  // 8 (u - 1)^3 + 4 (u - 1) + 5 = -7 + 28 u - 24 u^2 + 8 u^3: k = 2, h = 1, and 4 (u - 1) = 2 v.
  const FoldedNetwork up = fold({1, {Polynomial{{-7, 28, -24, 8}}}}).value();
  EXPECT_DOUBLE_EQ(up.inner_scale, 2);
  EXPECT_DOUBLE_EQ(up.inner_shift, 1);
  EXPECT_DOUBLE_EQ(up.alpha, 2);
  EXPECT_DOUBLE_EQ(up.beta, 5);
  EXPECT_EQ(up.sign, 1);
  EXPECT_DOUBLE_EQ(up.first.weight(0, 0), 2);
  EXPECT_DOUBLE_EQ(up.first.bias[0], -2);
  EXPECT_DOUBLE_EQ(up.second.weight(0, 0), 1);
  EXPECT_DOUBLE_EQ(up.second.bias[0], 5);

  const FoldedNetwork down = fold({1, {Polynomial{{7, -28, 24, -8}}}}).value();
  EXPECT_EQ(down.sign, -1);
  EXPECT_DOUBLE_EQ(down.alpha, 2);
  EXPECT_DOUBLE_EQ(down.second.weight(0, 0), -1);
  EXPECT_DOUBLE_EQ(down.second.bias[0], -5);
}

TEST(Fold, KeepsWhatTheMapsWereMadeFrom) {
  const Network network = testing::paper_network(3);
  const FoldedNetwork folded = fold(network).value();
  const auto& after = std::get<Dense>(network.layers[4]);
  for (const size_t row : {size_t{0}, size_t{400}, size_t{765}}) {
    double sum = 0;
    for (const double value : folded.second.weight.row(row)) sum += folded.sign * value;
    EXPECT_NEAR(folded.second.bias[row] - folded.beta * sum, after.bias[row], 1e-12);
  }
}

TEST(Fold, EqualsTheUnfoldedNetwork) {
  for (int seed = 0; seed < testing::property_cases(); ++seed) {
    testing::NetworkMaker make(static_cast<uint64_t>(seed));
    const Network network = make.foldable();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + testing::text_of(network));
    const auto folded = fold(network);
    ASSERT_TRUE(folded.ok()) << folded.error().what();
    const Matrix rows = make.rows(5, network.input_width);
    ASSERT_LT(testing::relative_error(forward(*folded, rows), forward(network, rows)), 1e-12);
  }
}

TEST(Fold, EqualsThePaperNetwork) {
  const Network network = testing::paper_network(7);
  const FoldedNetwork folded = fold(network).value();
  EXPECT_EQ(folded.first.weight.rows, 768U);
  EXPECT_EQ(folded.second.weight.rows, 766U);
  EXPECT_EQ(folded.second.weight.cols, 768U);
  const Matrix rows = testing::NetworkMaker(8).rows(20, 768);
  EXPECT_LT(testing::relative_error(forward(folded, rows), forward(network, rows)), 1e-12);
  EXPECT_THAT(forward(folded, rows.row(0)), Pointwise(DoubleNear(1e-12), forward(network, rows.row(0))));
}

}  // namespace
}  // namespace cryptotl
