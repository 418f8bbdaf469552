#include "cryptotl/network/approximation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numbers>

#include "cryptotl/network/folding.h"
#include "random_network.h"

namespace cryptotl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Layer> kActivations{Relu{}, Sigmoid{}, Tanh{}, Gelu{}};

double at(const Layer& layer, double u) { return forward(Network{1, {layer}}, std::vector<double>{u})[0]; }

std::string refusal(Interval interval, size_t degree) {
  const auto found = approximate(Tanh{}, interval, degree);
  return found.ok() ? "accepted" : found.error().what();
}

TEST(Minimax, RefusesOtherDegrees) {
  EXPECT_EQ(refusal({-1, 1}, 0), "a polynomial of degree 0, where 1 to 7 is right");
  EXPECT_EQ(refusal({-1, 1}, 8), "a polynomial of degree 8, where 1 to 7 is right");
}

TEST(Minimax, RefusesRangesThatAreNone) {
  EXPECT_EQ(refusal({2, 2}, 3), "the range [2, 2] is empty or not finite");
  EXPECT_EQ(refusal({2, 1}, 3), "the range [2, 1] is empty or not finite");
  EXPECT_EQ(refusal({-INFINITY, 1}, 3), "the range [-inf, 1] is empty or not finite");
  EXPECT_EQ(refusal({NAN, 1}, 3), "the range [nan, 1] is empty or not finite");
  EXPECT_THAT(refusal({-1e6, 1}, 3), HasSubstr("is wider than 1000000; scale the network down"));
  EXPECT_THAT(refusal({1e6, 1e6 + 0.5}, 3), HasSubstr("is too narrow for numbers of its size"));
}

TEST(Minimax, RefusesFunctionsThatAreNotFinite) {
  const auto found = minimax([](double u) { return 1 / u; }, {-1, 1}, 3);
  ASSERT_FALSE(found.ok());
  EXPECT_STREQ(found.error().what(), "the function is not finite on the range [-1, 1]");
}

TEST(Minimax, RefusesLayersThatItDoesNotReplace) {
  const auto found = approximate(MaxPool1D{2}, {-1, 1}, 3);
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().what(), HasSubstr("MaxPool1D is not replaced by a polynomial"));
}

TEST(Minimax, GivesChebyshevsPolynomialForThePowerAboveIt) {
  // The best approximation of u^n from below its degree leaves T_n(u) / 2^(n - 1) (Chebyshev 1854).
  for (size_t degree = 1; degree <= 7; ++degree) {
    const auto power = [degree](double u) { return std::pow(u, static_cast<double>(degree + 1)); };
    const auto found = minimax(power, {-1, 1}, degree).value();
    EXPECT_NEAR(found.max_error, std::pow(0.5, static_cast<double>(degree)), 1e-14) << degree;
  }
}

TEST(Minimax, GivesTheKnownErrorsOfTheAbsoluteValue) {
  // relu(u) is (u + |u|) / 2. The least errors of |u| on [-1, 1] by even polynomials of degree 2, 4 and 6: 2
  // n E_2n of Varga and Carpenter (On the Bernstein conjecture in approximation theory, 1985), table 1.
  const double products[] = {0.25, 0.27048359711113711, 0.27557437240};
  for (size_t n = 1; n <= 3; ++n) {
    for (const double end : {1.0, 4.0}) {
      const auto found = approximate(Relu{}, {-end, end}, 2 * n).value();
      EXPECT_NEAR(found.max_error, end * products[n - 1] / (4 * static_cast<double>(n)), 1e-10) << n;
    }
  }
  EXPECT_THAT(approximate(Relu{}, {-1, 1}, 2)->polynomial.coefficients,
              ::testing::Pointwise(::testing::DoubleNear(1e-14), {0.0625, 0.5, 0.5}));
}

TEST(Minimax, GivesTheStraightLineOfAFunctionThatBendsOneWay) {
  // exp on [0, 1]: slope e - 1; the error is half the gap between chord and tangent.
  const double slope = std::numbers::e - 1;
  const double touch = std::log(slope);
  const double error = (1 + slope * touch - slope) / 2;
  const auto found = minimax([](double u) { return std::exp(u); }, {0, 1}, 1).value();
  EXPECT_NEAR(found.max_error, error, 1e-14);
  EXPECT_NEAR(found.polynomial.coefficients[1], slope, 1e-12);
}

/// The error on a dense grid, apart from the code under test: the largest, and how often it comes near that
/// with alternating signs.
struct Turns {
  double largest = 0;
  size_t count = 0;
};
Turns turns_of(const Layer& activation, const Polynomial& polynomial, Interval interval) {
  constexpr int kPoints = 200000;
  const Layer layer = polynomial;
  Matrix grid(kPoints + 1, 1);
  for (int i = 0; i <= kPoints; ++i) {
    const double share = static_cast<double>(i) / kPoints;
    grid(static_cast<size_t>(i), 0) = (1 - share) * interval.low + share * interval.high;
  }
  const Matrix wanted = forward(Network{1, {activation}}, grid);
  const Matrix got = forward(Network{1, {layer}}, grid);
  Turns turns;
  for (size_t i = 0; i <= kPoints; ++i) {
    turns.largest = std::max(turns.largest, std::abs(wanted.values[i] - got.values[i]));
  }
  int sign = 0;
  for (size_t i = 0; i <= kPoints; ++i) {
    const double error = wanted.values[i] - got.values[i];
    const int here = error > 0 ? 1 : -1;
    if (std::abs(error) < turns.largest * (1 - 1e-3) || here == sign) continue;
    sign = here;
    ++turns.count;
  }
  return turns;
}

size_t degree_of(const Polynomial& polynomial) {
  size_t degree = polynomial.coefficients.size() - 1;
  while (degree > 0 && polynomial.coefficients[degree] == 0) --degree;
  return degree;
}

TEST(Minimax, AlternatesAsOftenAsTheLeastErrorMust) {
  // Chebyshev's theorem: degree + 2 turns of equal size prove that no polynomial of the degree does better.
  const std::vector<Interval> intervals{{-1, 1},   {-4, 4}, {-6.3, 2.1}, {-3, 3.3},
                                        {-0.5, 8}, {1, 3},  {-20, 30}};
  for (const Layer& activation : kActivations) {
    for (const Interval interval : intervals) {
      for (size_t degree = 1; degree <= 7; ++degree) {
        SCOPED_TRACE(std::string(layer_name(activation)) + " on [" + std::to_string(interval.low) + ", " +
                     std::to_string(interval.high) + "] degree " + std::to_string(degree));
        const auto found = approximate(activation, interval, degree).value();
        const Turns turns = turns_of(activation, found.polynomial, interval);
        ASSERT_NEAR(turns.largest, found.max_error, 1e-3 * found.max_error + 1e-14);
        ASSERT_LE(turns.largest, found.max_error + 1e-14);
        if (found.max_error > 1e-9) {
          ASSERT_GE(turns.count, degree_of(found.polynomial) + 2);
        }
      }
    }
  }
}

TEST(Minimax, LeavesOutWhatSymmetryMakesZero) {
  for (const Layer& odd : {Layer(Tanh{}), Layer(Sigmoid{})}) {
    for (const double end : {0.5, 3.0, 11.0}) {
      const auto c = approximate(odd, {-end, end}, 6)->polynomial.coefficients;
      ASSERT_EQ(c.size(), 6U);
      EXPECT_NEAR(c[0], at(odd, 0), 1e-15);
      EXPECT_EQ(c[2], 0);
      EXPECT_EQ(c[4], 0);
    }
  }
  for (const Layer& even : {Layer(Relu{}), Layer(Gelu{})}) {  // but for u / 2
    for (const double end : {0.5, 3.0, 11.0}) {
      const auto c = approximate(even, {-end, end}, 7)->polynomial.coefficients;
      ASSERT_EQ(c.size(), 7U);
      EXPECT_NEAR(c[1], 0.5, 1e-12);
      EXPECT_EQ(c[3], 0);
      EXPECT_EQ(c[5], 0);
    }
  }
}

TEST(Minimax, GivesWhatTheFunctionIsWhereItIsAPolynomial) {
  EXPECT_THAT(approximate(Relu{}, {0, 5}, 3)->polynomial.coefficients, ElementsAre(0, 1));
  EXPECT_THAT(approximate(Relu{}, {-5, 0}, 3)->polynomial.coefficients, ElementsAre(0, 0));
  EXPECT_THAT(approximate(Tanh{}, {100, 101}, 3)->polynomial.coefficients, ElementsAre(1, 0));
  EXPECT_EQ(approximate(Relu{}, {100, 101}, 7)->max_error, 0);
  const auto cube = minimax([](double u) { return u * u * u - 2; }, {-3, 2}, 7).value();
  EXPECT_EQ(degree_of(cube.polynomial), 3U);
  EXPECT_LT(cube.max_error, 1e-13);
}

TEST(Minimax, LeavesOutADegreeThatBuysNothing) {
  // The range is all but symmetric: a cubic term would be tiny, and depressing it costly.
  EXPECT_EQ(degree_of(approximate(Relu{}, {-4, 4.2}, 3)->polynomial), 2U);
  EXPECT_EQ(degree_of(approximate(Relu{}, {-6.3, 2.1}, 3)->polynomial), 3U);
}

TEST(Minimax, GivesWhatCanBeFolded) {
  for (const Layer& activation : kActivations) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      samples::NetworkMaker make(seed);
      const double high = make.real(0.5, 12);
      const Interval interval{-make.real(0.5, 12), high};
      const size_t degree = make.between(2, 7);
      const auto found = approximate(activation, interval, degree).value();
      if (degree_of(found.polynomial) < 2) continue;
      const auto folded = fold({1, {found.polynomial}});
      ASSERT_TRUE(folded.ok()) << folded.error().what();
      const Matrix rows = [&] {
        Matrix out(50, 1);
        for (double& u : out.values) u = make.real(interval.low, interval.high);
        return out;
      }();
      ASSERT_LT(
          samples::relative_error(forward(*folded, rows), forward(Network{1, {found.polynomial}}, rows)),
          1e-9)
          << layer_name(activation) << " seed " << seed;
    }
  }
}

TEST(Activations, AreWhatTheirDefinitionsSay) {
  for (double u = -8; u <= 8; u += 0.25) {
    EXPECT_DOUBLE_EQ(at(Tanh{}, u), std::tanh(u));
    EXPECT_NEAR(at(Gelu{}, u), u * (1 + std::erf(u / std::sqrt(2.0))) / 2, 1e-15);
  }
  EXPECT_NEAR(at(Gelu{}, 1), 0.8413447460685429, 1e-15);            // Phi(1)
  EXPECT_NEAR(at(Gelu{}, -10) / -7.619853024160527e-23, 1, 1e-12);  // -10 Phi(-10): no digit is cancelled
}

// ---- In networks.

Network hidden(const Layer& first, const Layer& second) {
  samples::NetworkMaker make(4);
  return {6, {make.conv(3), make.dense(6, 8), first, make.dense(8, 5), second, AveragePool1D{2}}};
}

TEST(ReplaceActivations, RefusesAnotherNumberOfRanges) {
  const auto found = replace_activations(hidden(Relu{}, Tanh{}), std::vector<Interval>{{-1, 1}}, 3);
  ASSERT_FALSE(found.ok());
  EXPECT_STREQ(found.error().what(), "the network has 2 activations to replace, but 1 ranges are given");
}

TEST(ReplaceActivations, NamesTheLayerThatCannotBeReplaced) {
  const auto found = replace_activations(hidden(Relu{}, Tanh{}), std::vector<Interval>{{-1, 1}, {3, 3}}, 3);
  ASSERT_FALSE(found.ok());
  EXPECT_STREQ(found.error().what(), "layer 5 (Tanh): the range [3, 3] is empty or not finite");
  EXPECT_FALSE(replace_activations(hidden(Relu{}, Tanh{}), Matrix(0, 6), 3, 0.1).ok());
}

TEST(ReplaceActivations, LeavesEverythingElse) {
  const Network network = hidden(Relu{}, Gelu{});
  const auto found = replace_activations(network, std::vector<Interval>{{-4, 4}, {-2, 3}}, 4).value();
  ASSERT_EQ(found.activations.size(), 2U);
  EXPECT_EQ(found.activations[0].layer, 2U);
  EXPECT_EQ(found.activations[0].function, "Relu");
  EXPECT_EQ(found.activations[0].degree, 4U);
  EXPECT_EQ(found.activations[1].function, "Gelu");
  EXPECT_EQ(found.activations[1].max_error, approximate(Gelu{}, {-2, 3}, 4)->max_error);
  Network put_back = found.network;
  put_back.layers[2] = Relu{};
  put_back.layers[4] = Gelu{};
  EXPECT_TRUE(samples::same(put_back, network));
  EXPECT_TRUE(fold(found.network).ok());
}

TEST(ReplaceActivations, RecordsTheRangesOfTheReplacedNetwork) {
  const Network network = hidden(Relu{}, Sigmoid{});
  const Matrix rows = samples::NetworkMaker(5).rows(100, 6);
  const auto found = replace_activations(network, rows, 5, 0.25).value();
  for (const ReplacedActivation& activation : found.activations) {
    Network before = found.network;
    before.layers.resize(activation.layer);
    const Matrix inputs = forward(before, rows);
    const auto [low, high] = std::ranges::minmax(inputs.values);
    EXPECT_DOUBLE_EQ(activation.interval.low, low - 0.25 * (high - low));
    EXPECT_DOUBLE_EQ(activation.interval.high, high + 0.25 * (high - low));
  }
}

TEST(ReplaceActivations, StaysWithinTheStatedErrorOfOneLayer) {
  samples::NetworkMaker make(6);
  for (const Layer& activation : kActivations) {
    const Network network{6, {make.dense(6, 8), activation}};
    const Matrix rows = make.rows(100, 6);
    for (size_t degree = 2; degree <= 7; ++degree) {
      const auto found = replace_activations(network, rows, degree, 0.1).value();
      const Matrix got = forward(found.network, rows);
      const Matrix wanted = forward(network, rows);
      double error = 0;
      for (size_t i = 0; i < got.values.size(); ++i) {
        error = std::max(error, std::abs(got.values[i] - wanted.values[i]));
      }
      EXPECT_LE(error, found.activations[0].max_error + 1e-14);
    }
  }
}

TEST(ReplaceActivations, WidensAPointWhereAllRowsAreTheSame) {
  const Network network{2, {Dense{Matrix(1, 2), {0.5}}, Tanh{}}};
  const auto found = replace_activations(network, Matrix(3, 2), 3, 0.1).value();
  EXPECT_DOUBLE_EQ(found.activations[0].interval.low, 0.4);
  EXPECT_DOUBLE_EQ(found.activations[0].interval.high, 0.6);
}

}  // namespace
}  // namespace cryptotl
