#include "cryptotl/learn/imitation.h"

#include <gtest/gtest.h>

#include "cryptotl/learn/lower_shape.h"
#include "learn/clusters.h"

namespace cryptotl {
namespace {

constexpr size_t kColumns = 6;

/// A network of the paper's kind and a layer that calls about half of these rows either way.
struct Original {
  Original() {
    LowerShape shape;
    shape.hidden = {8};
    shape.features = 5;
    shape.kernel = 0;
    shape.pool = 0;
    lower = lower_network(kColumns, shape, 1);
    const Matrix features = forward(lower, queries);
    output.weight = Matrix(1, 5);
    for (size_t c = 0; c < 5; ++c) output.weight(0, c) = c % 2 == 0 ? 1 : -1;
    double sum = 0;
    for (size_t r = 0; r < features.rows; ++r) {
      for (size_t c = 0; c < 5; ++c) sum += output.weight(0, c) * features(r, c);
    }
    output.bias = {-sum / static_cast<double>(features.rows)};
  }

  Matrix queries = clusters(200, kColumns, 2, 0.1, 1).rows;
  Matrix held_out = clusters(300, kColumns, 2, 0.1, 2).rows;
  Network lower;
  Dense output;
};

TEST(Imitation, RefusesTooFewQueriesAndNoRowsToJudgeBy) {
  const Original original;
  EXPECT_THROW(imitate(original.lower, original.output, Matrix(3, kColumns), original.held_out, {}), Error);
  EXPECT_THROW(imitate(original.lower, original.output, original.queries, Matrix(0, kColumns), {}), Error);
  EXPECT_THROW(imitate(original.lower, original.output, original.queries, Matrix(5, kColumns + 1), {}),
               Error);
}

// Polynomials of degree 3 in 6 variables have 84 coefficients: 200 answers determine them.
TEST(Imitation, CopiesANetworkOfOneCubicLayerExactlyFromEnoughAnswers) {
  const Original original;
  const Imitation copy = imitate(original.lower, original.output, original.queries, original.held_out, {});
  EXPECT_EQ(copy.curve.front().queries, 4u);
  EXPECT_EQ(copy.curve.back().queries, 200u);
  EXPECT_LT(copy.curve.back().feature_error, 0.01);
  EXPECT_GT(copy.curve.back().agreement, 0.99);
  ASSERT_TRUE(copy.queries);
  EXPECT_LT(*copy.queries, 200u);
}

TEST(Imitation, TakesMoreQueriesAgainstNoiseOnTheAnswers) {
  const Original original;
  ImitationOptions options;
  double last = 0;
  for (const double noise : {0.0, 0.05, 1.0}) {
    options.noise = noise;
    const Imitation copy =
        imitate(original.lower, original.output, original.queries, original.held_out, options);
    EXPECT_GT(copy.curve.back().feature_error, last) << noise;
    last = copy.curve.back().feature_error;
    if (noise == 1) {
      EXPECT_FALSE(copy.queries);
    }
  }
}

}  // namespace
}  // namespace cryptotl
