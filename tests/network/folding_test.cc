#include "cryptotl/network/folding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "random_network.h"

namespace cryptotl {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

const Polynomial kCubic{{1, 2, 3, 4}};

std::string folding_refusal(const Network& network) {
  const auto folded = fold(network);
  return folded.ok() ? "accepted" : folded.error().what();
}

TEST(Fold, RefusesANetworkWithoutActivation) {
  EXPECT_EQ(folding_refusal({4, {AveragePool1D{2}}}),
            "the network has 1 layers and no activation; at least one Polynomial of degree 2 to 7 is needed");
  EXPECT_THAT(folding_refusal({4, {}}), HasSubstr("no activation"));
  EXPECT_THAT(folding_refusal({4, {Polynomial{{1, 2}}}}), HasSubstr("no activation"));
  EXPECT_THAT(folding_refusal({4, {Polynomial{{1, 2, 0, 0}}, Polynomial{{1, 0}}}}),
              HasSubstr("no activation"));
}

TEST(Fold, RefusesDegreesBeyondSeven) {
  const Polynomial eighth{std::vector<double>(9, 1.0)};
  EXPECT_EQ(folding_refusal({4, {Conv1D{{1}}, kCubic, eighth}}),
            "layer 3 (Polynomial): has degree 8, where at most 7 is right");
}

TEST(Fold, RefusesActivationsThatAreNoPolynomialsAndSaysWhatReplacesThem) {
  for (const Layer& layer : {Layer(Relu{}), Layer(Sigmoid{})}) {
    EXPECT_EQ(folding_refusal({4, {kCubic, layer}}),
              "layer 2 (" + std::string(layer_name(layer)) +
                  "): is no polynomial; replace it by one of degree 2 to 7 on the range of its inputs "
                  "(cryptotl import --degree does)");
  }
  for (const Layer& layer : {Layer(Softmax{}), Layer(MaxPool1D{2})}) {
    EXPECT_EQ(folding_refusal({4, {Conv1D{{1}}, layer}}),
              "layer 2 (" + std::string(layer_name(layer)) +
                  "): is no polynomial, and none replaces it; the network must end before it");
  }
}

TEST(Fold, RefusesALeadingCoefficientThatWouldDrownTheOthers) {
  EXPECT_EQ(
      folding_refusal({4, {kCubic, Polynomial{{1, 1, 1, 1e-7}}}}),
      "layer 2 (Polynomial): its leading coefficient, of degree 3, is too small beside the others to be "
      "computed with; make it zero");
  EXPECT_THAT(folding_refusal({4, {Polynomial{{1, 1, 1, 1e-320}}}}),
              HasSubstr("too small beside the others"));
  EXPECT_THAT(folding_refusal({4, {Polynomial{{0, 0, 0, 1e-320}}}}), "accepted");
  EXPECT_THAT(folding_refusal({4, {Polynomial{{1, 1, 1, 1e-3}}}}), "accepted");
}

TEST(Fold, RefusesLayersThatDoNotFit) {
  EXPECT_THAT(folding_refusal({4, {kCubic, AveragePool1D{5}}}), HasSubstr("layer 2 (AveragePool1D)"));
}

TEST(Fold, RefusesRowsBeyondTheLimitByNameOfTheLayer) {
  const auto wide = [](size_t out) { return Dense{Matrix(out, 1), std::vector<double>(out)}; };
  const auto folded = fold({4097, {kCubic}});
  ASSERT_FALSE(folded.ok());
  EXPECT_EQ(folded.error().code(), ErrorCode::too_large);
  EXPECT_STREQ(folded.error().what(), "the input: a row of 4097 numbers is beyond the limit of 4096");
  EXPECT_EQ(folding_refusal({1, {wide(4097), kCubic}}),
            "layer 1 (Dense): a row of 4097 numbers is beyond the limit of 4096");
  EXPECT_EQ(folding_refusal({1, {kCubic, wide(4097)}}),
            "layer 2 (Dense): a row of 4097 numbers is beyond the limit of 4096");
  EXPECT_EQ(folding_refusal({1, {wide(4096), kCubic, AveragePool1D{4096}, wide(4096)}}), "accepted");
}

TEST(Fold, ThrowsWhereTheRowHasAnotherWidth) {
  const FoldedNetwork folded = fold({4, {kCubic}}).value();
  EXPECT_THROW(forward(folded, std::vector<double>(3)), Error);
}

TEST(Fold, DepressesTheCubicAsStated) {
  // 8 (u - 1)^3 + 4 (u - 1) + 5 = -7 + 28 u - 24 u^2 + 8 u^3: k = 2, h = 1, and 4 (u - 1) = 2 v.
  const FoldedNetwork up = fold({1, {Polynomial{{-7, 28, -24, 8}}}}).value();
  ASSERT_EQ(up.activations.size(), 1U);
  EXPECT_EQ(up.activations[0].degree, 3U);
  EXPECT_DOUBLE_EQ(up.activations[0].inner_scale, 2);
  EXPECT_DOUBLE_EQ(up.activations[0].inner_shift, 1);
  EXPECT_THAT(up.activations[0].coefficients, ElementsAre(0, 2));
  EXPECT_DOUBLE_EQ(up.activations[0].beta, 5);
  EXPECT_EQ(up.activations[0].sign, 1);
  EXPECT_DOUBLE_EQ(up.maps[0].weight(0, 0), 2);
  EXPECT_DOUBLE_EQ(up.maps[0].bias[0], -2);
  EXPECT_DOUBLE_EQ(up.maps[1].weight(0, 0), 1);
  EXPECT_DOUBLE_EQ(up.maps[1].bias[0], 5);

  const FoldedNetwork down = fold({1, {Polynomial{{7, -28, 24, -8}}}}).value();
  EXPECT_EQ(down.activations[0].sign, -1);
  EXPECT_THAT(down.activations[0].coefficients, ElementsAre(0, 2));
  EXPECT_DOUBLE_EQ(down.maps[1].weight(0, 0), -1);
  EXPECT_DOUBLE_EQ(down.maps[1].bias[0], -5);
}

TEST(Fold, CompletesTheSquareOfAQuadratic) {
  // -4 (u - 3)^2 + 1
  const FoldedActivation square = fold({1, {Polynomial{{-35, 24, -4}}}}).value().activations[0];
  EXPECT_EQ(square.degree, 2U);
  EXPECT_THAT(square.coefficients, ElementsAre(0));
  EXPECT_EQ(square.inner_scale, 2);
  EXPECT_EQ(square.inner_shift, 3);
  EXPECT_EQ(square.sign, -1);
  EXPECT_EQ(square.beta, 1);
  EXPECT_EQ(square.at(5), 25);
}

TEST(Fold, DepressesEveryDegreeAsStated) {
  for (size_t degree = 2; degree <= kMaxFoldedDegree; ++degree) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      samples::NetworkMaker make(seed);
      const Polynomial p = make.polynomial(degree);
      const FoldedActivation q = fold({1, {p}}).value().activations[0];
      ASSERT_EQ(q.degree, degree);
      ASSERT_EQ(q.coefficients.size(), degree - 1);
      ASSERT_EQ(q.coefficients[0], 0);
      ASSERT_GT(q.inner_scale, 0);
      ASSERT_EQ(std::abs(q.sign), 1);
      for (double u = -2; u <= 2; u += 0.25) {
        const double v = q.inner_scale * (u - q.inner_shift);
        double monic = std::pow(v, static_cast<double>(degree));
        for (size_t i = 1; i < q.coefficients.size(); ++i) {
          monic += q.coefficients[i] * std::pow(v, static_cast<double>(i));
        }
        const double wanted = forward(Network{1, {p}}, std::vector<double>{u})[0];
        const double rounding = 1e-13 * (1 + std::abs(monic) + std::abs(q.beta) +
                                         std::pow(1 + std::abs(v), static_cast<double>(degree)));
        ASSERT_NEAR(q.at(v), monic, rounding) << "degree " << degree << " seed " << seed;
        ASSERT_NEAR(q.sign * q.at(v) + q.beta, wanted, rounding) << "degree " << degree << " seed " << seed;
      }
    }
  }
}

TEST(Fold, TrimsLeadingCoefficientsThatAreZero) {
  const FoldedNetwork trimmed = fold({3, {Polynomial{{1, 2, 3, 0, 0, 0, 0, 0, 0, 0}}}}).value();
  EXPECT_EQ(trimmed.activations[0].degree, 2U);
  const FoldedNetwork linear = fold({3, {Polynomial{{1, 2, 0, 0}}, kCubic, Polynomial{{5, 0}}}}).value();
  ASSERT_EQ(linear.activations.size(), 1U);
  EXPECT_THAT(forward(linear, std::vector<double>{1, 2, 3}), ElementsAre(5, 5, 5));
}

TEST(Fold, PutsTheIdentityBetweenActivationsInARow) {
  const FoldedNetwork folded = fold({2, {Polynomial{{0, 0, 1}}, Polynomial{{0, 0, 1}}}}).value();
  ASSERT_EQ(folded.maps.size(), 3U);
  EXPECT_THAT(folded.maps[1].weight.values, ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(forward(folded, std::vector<double>{2, 3}), ElementsAre(16, 81));
}

TEST(Fold, MergesLinearLayersInAnyOrder) {
  // What stands before a Dense goes a way of its own through the folding: kernels of any length among it.
  for (int seed = 0; seed < samples::property_cases(); ++seed) {
    samples::NetworkMaker make(static_cast<uint64_t>(seed));
    Network network{make.between(1, 12), {}};
    for (size_t count = make.between(0, 4); count > 0; --count) {
      const size_t width = output_width(network).value();
      network.layers.push_back(make.between(0, 1) == 0 ? Layer(make.conv(make.between(1, 3 * width)))
                                                       : make.linear(width));
    }
    network.layers.push_back(make.dense(output_width(network).value(), make.between(1, 9)));
    Network squared = network;
    squared.layers.emplace_back(Polynomial{{0, 0, 1}});
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + samples::text_of(network));
    const FoldedNetwork folded = fold(squared).value();
    const Matrix rows = make.rows(4, network.input_width);
    const Network merged{network.input_width, {Dense{folded.maps[0].weight, folded.maps[0].bias}}};
    ASSERT_LT(samples::relative_error(forward(merged, rows), forward(network, rows)), 1e-13);
  }
}

TEST(Fold, KeepsWhatTheMapsWereMadeFrom) {
  const Network network = samples::paper_network(3);
  const FoldedNetwork folded = fold(network).value();
  const FoldedActivation& cubic = folded.activations[0];
  const auto& after = std::get<Dense>(network.layers[4]);
  for (const size_t row : {size_t{0}, size_t{400}, size_t{765}}) {
    double sum = 0;
    for (const double value : folded.maps[1].weight.row(row)) sum += cubic.sign * value;
    EXPECT_NEAR(folded.maps[1].bias[row] - cubic.beta * sum, after.bias[row], 1e-12);
  }
}

TEST(Fold, EqualsTheUnfoldedNetwork) {
  for (int seed = 0; seed < samples::property_cases(); ++seed) {
    samples::NetworkMaker make(static_cast<uint64_t>(seed));
    const Network network = make.foldable();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + samples::text_of(network));
    const auto folded = fold(network);
    ASSERT_TRUE(folded.ok()) << folded.error().what();
    ASSERT_EQ(folded->maps.size(), folded->activations.size() + 1);
    ASSERT_EQ(folded->input_width(), network.input_width);
    ASSERT_EQ(folded->output_width(), output_width(network).value());
    const Matrix rows = make.rows(5, network.input_width);
    // Rounding grows with the degree of the whole, which is up to 343.
    const double allowed = folded->activations.size() == 1 ? 1e-12 : 1e-9;
    ASSERT_LT(samples::relative_error(forward(*folded, rows), forward(network, rows)), allowed);
  }
}

TEST(Fold, EqualsThePaperNetwork) {
  const Network network = samples::paper_network(7);
  const FoldedNetwork folded = fold(network).value();
  EXPECT_EQ(folded.maps[0].weight.rows, 768U);
  EXPECT_EQ(folded.output_width(), 766U);
  EXPECT_EQ(folded.maps[1].weight.cols, 768U);
  const Matrix rows = samples::NetworkMaker(8).rows(20, 768);
  EXPECT_LT(samples::relative_error(forward(folded, rows), forward(network, rows)), 1e-12);
  EXPECT_THAT(forward(folded, rows.row(0)), Pointwise(DoubleNear(1e-12), forward(network, rows.row(0))));
}

TEST(Append, ThrowsWhereTheLayerDoesNotFit) {
  const FoldedNetwork folded = fold({4, {kCubic}}).value();
  EXPECT_THROW(append(folded, Dense{Matrix(1, 5), {0}}), Error);
  EXPECT_THROW(append(folded, Dense{Matrix(2, 4), {0}}), Error);
}

TEST(Append, MergesOneMoreLayer) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    samples::NetworkMaker make(seed);
    Network network{7, {make.dense(7, 5), make.polynomial(2), make.dense(5, 6), make.polynomial(3)}};
    const FoldedNetwork folded = fold(network).value();
    const Dense last = make.dense(6, 3);
    network.layers.emplace_back(last);
    const FoldedNetwork longer = append(folded, last);
    EXPECT_EQ(longer.maps.size(), folded.maps.size());
    EXPECT_EQ(longer.output_width(), 3U);
    const Matrix rows = make.rows(4, 7);
    EXPECT_LT(samples::relative_error(forward(longer, rows), forward(network, rows)), 1e-12);
  }
}

}  // namespace
}  // namespace cryptotl
