#include "cryptotl/learn/lower_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace cryptotl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(const LowerShape& shape, size_t input_width = 16) {
  const Status status = check_shape(shape, input_width);
  if (status.ok()) return "accepted";
  EXPECT_EQ(status.error().code(), ErrorCode::invalid_argument);
  EXPECT_THROW(lower_network(input_width, shape, 0), Error);
  return status.error().what();
}

LowerShape shape_of(std::vector<size_t> hidden, size_t features, size_t kernel, size_t pool) {
  LowerShape shape;
  shape.hidden = std::move(hidden);
  shape.features = features;
  shape.kernel = kernel;
  shape.pool = pool;
  return shape;
}

TEST(LowerShape, NamesWhatDoesNotFitAndItsLimit) {
  EXPECT_THAT(refusal(shape_of({0}, 0, 9, 3)), AllOf(StartsWith("hidden 0:"), HasSubstr("1 to 4096")));
  EXPECT_THAT(refusal(shape_of({8, 4097}, 0, 9, 3)), AllOf(StartsWith("hidden 4097:"), HasSubstr("4096")));
  EXPECT_THAT(refusal(shape_of({}, 4097, 9, 3)), AllOf(StartsWith("features 4097:"), HasSubstr("4096")));
  EXPECT_THAT(refusal(shape_of({}, 0, 4097, 3)), AllOf(StartsWith("kernel 4097:"), HasSubstr("4096")));
  EXPECT_THAT(refusal(shape_of({}, 0, 9, 17)), AllOf(StartsWith("pool 17:"), HasSubstr("has 16")));
  EXPECT_THAT(refusal(shape_of({64, 5}, 0, 9, 6)), AllOf(StartsWith("pool 6:"), HasSubstr("has 5")));
  EXPECT_THAT(refusal(LowerShape(), 2), StartsWith("pool 3:"));
}

TEST(LowerShape, HasTheLayersItSays) {
  const Network network = lower_network(16, shape_of({20, 12}, 7, 4, 5), 1);
  ASSERT_EQ(network.layers.size(), 7u);
  EXPECT_EQ(std::get<Conv1D>(network.layers[0]).kernel.size(), 4u);
  EXPECT_EQ(std::get<Dense>(network.layers[1]).weight.rows, 20u);
  EXPECT_TRUE(std::holds_alternative<Polynomial>(network.layers[2]));
  EXPECT_EQ(std::get<Dense>(network.layers[3]).weight.rows, 12u);
  EXPECT_TRUE(std::holds_alternative<Polynomial>(network.layers[4]));
  EXPECT_EQ(std::get<AveragePool1D>(network.layers[5]).width, 5u);
  EXPECT_EQ(output_width(network).value(), 7u);
}

TEST(LowerShape, LeavesOutConvolutionAndPoolingOfOneOrNone) {
  for (const size_t none : {0u, 1u}) {
    const Network network = lower_network(1, shape_of({3}, 0, none, none), 1);
    EXPECT_EQ(network.layers.size(), 3u);
    EXPECT_EQ(output_width(network).value(), 3u);
  }
}

TEST(LowerShape, GoesToTheWidestRows) {
  const Network network = lower_network(4096, shape_of({4}, 4096, 4096, 4), 1);
  EXPECT_EQ(output_width(network).value(), 4096u);
}

TEST(ActivationNamed, KnowsItsNamesAlone) {
  EXPECT_EQ(std::get<Polynomial>(*activation_named("cubic")).coefficients, kPaperCubic.coefficients);
  EXPECT_EQ(std::get<Polynomial>(*activation_named("quadratic")).coefficients, kReluQuadratic.coefficients);
  EXPECT_TRUE(std::holds_alternative<Relu>(*activation_named("relu")));
  EXPECT_TRUE(std::holds_alternative<Sigmoid>(*activation_named("sigmoid")));
  EXPECT_TRUE(std::holds_alternative<Tanh>(*activation_named("tanh")));
  EXPECT_TRUE(std::holds_alternative<Gelu>(*activation_named("gelu")));
  EXPECT_FALSE(activation_named("Relu"));
  EXPECT_FALSE(activation_named(""));
}

TEST(ReluQuadratic, IsOffByAQuarterAtFivePointsOfAlternatingSignAndNowhereMore) {
  const std::vector<double>& c = kReluQuadratic.coefficients;
  const auto error = [&](double u) { return c[0] + u * (c[1] + u * c[2]) - std::max(u, 0.0); };
  double sign = 1;
  for (const double u : {-4, -2, 0, 2, 4}) {
    EXPECT_NEAR(error(u), sign / 4, 1e-15);
    sign = -sign;
  }
  for (double u = -4; u <= 4; u += 0.01) EXPECT_LE(std::abs(error(u)), 0.25 + 1e-12);
}

}  // namespace
}  // namespace cryptotl
