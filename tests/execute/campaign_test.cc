// Random networks, precisions and inputs through encryption: the predicted error must hold in every case and
// be near in most. CRYPTOTL_PROPERTY_CASES sets how many; CRYPTOTL_PROPERTY_SEED where they start.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "execute/encrypted_network.h"

namespace cryptotl {
namespace {

size_t from_environment(const char* name, size_t usual) {
  const char* wish = std::getenv(name);
  return wish == nullptr ? usual : std::strtoull(wish, nullptr, 10);
}

struct Case {
  std::vector<size_t> widths;
  Polynomial activation;
  double precision = 0;
  double spread = 1;  ///< of the inputs about 1/2

  explicit Case(uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    const auto log_uniform = [&](double low, double high) {
      return std::exp(std::log(low) + uniform(generator) * std::log(high / low));
    };
    const size_t layers = uniform(generator) < 0.8 ? 1 : 2;
    const double widest = layers == 1 ? 1500 : 100;
    for (size_t i = 0; i < layers + 2; ++i) widths.push_back(static_cast<size_t>(log_uniform(1, widest)));
    const auto degree = static_cast<size_t>(2 + 6 * uniform(generator));
    std::normal_distribution<double> normal;
    double size = 1;
    for (size_t i = 0; i <= degree; ++i, size /= 2)
      activation.coefficients.push_back(size * normal(generator));
    double& leading = activation.coefficients.back();
    leading += std::copysign(size / 4, leading);  // well away from a lower degree
    precision = log_uniform(1e-11, 1e-2);
    spread = log_uniform(0.1, 1);
  }

  Matrix rows(size_t count, uint64_t seed) const {
    Matrix out = uniform_rows(count, widths.front(), seed);
    for (double& value : out.values) value = 0.5 + spread * (value - 0.5);
    return out;
  }
};

std::string describe_case(uint64_t seed, const Case& drawn) {
  std::string out = "seed " + std::to_string(seed) + ", widths";
  for (const size_t width : drawn.widths) out += " " + std::to_string(width);
  return out + ", degree " + std::to_string(drawn.activation.coefficients.size() - 1) + ", precision " +
         std::to_string(std::log10(drawn.precision));
}

struct Tally {
  size_t run = 0;
  size_t refused = 0;
  size_t answers = 0;
  size_t flagged = 0;  ///< answers beyond the range in which a client trusts them
  size_t within = 0;   ///< predicted at most 8 times what was measured
  double nearest = 1e300;
};

void run_case(uint64_t seed, Tally& tally) {
  const Case drawn(seed);
  const FoldedNetwork network = random_network(drawn.widths, drawn.activation, seed);
  const Matrix source = drawn.rows(100, seed + 1);
  if (!plan_latency(network, calibrate(network, source), {drawn.precision, false}).ok()) {
    ++tally.refused;
    return;
  }
  EncryptedNetwork both(network, source, 1, {drawn.precision, false});
  EXPECT_LE(both.plan.predicted_error, drawn.precision);
  // The bound holds for any input: the largest of a few errors would say little of it.
  const size_t inputs = drawn.widths.back() < 8 ? 32 : 16;
  const Matrix rows = drawn.rows(inputs, seed + 2);
  double worst = 0;
  for (size_t i = 0; i < inputs; ++i) {
    const SwitchedCiphertext answer = both.runner.run(both.encrypted(rows.row(i)), *both.keys);
    const bool wrapped = may_have_wrapped(both.plan, decrypt(both.secret, answer));
    const std::vector<double> got = both.decrypted(answer);
    ++tally.answers;
    // As a client does: polynomials grow fast beyond the range that the plan was made for.
    if (wrapped || std::ranges::any_of(got, [&](double y) { return std::abs(y) > both.plan.output_limit; })) {
      ++tally.flagged;
      continue;
    }
    const std::vector<double> expected = forward(both.network, rows.row(i));
    for (size_t r = 0; r < got.size(); ++r) worst = std::max(worst, std::abs(got[r] - expected[r]));
  }
  EXPECT_LE(worst, both.plan.predicted_error) << describe_case(seed, drawn);
  ++tally.run;
  const double ratio = both.plan.predicted_error / worst;
  tally.within += ratio <= 8 ? 1 : 0;
  tally.nearest = std::min(tally.nearest, ratio);
  if (std::getenv("CRYPTOTL_DESCRIBE") != nullptr) std::cout << describe(both.plan);
  if (ratio > 8) std::cout << "loose: " << ratio << " " << describe_case(seed, drawn) << std::endl;
}

TEST(Campaign, PredictedErrorsHoldInAllCasesAndAreWithinAFactorOf8InMost) {
  const size_t cases = from_environment("CRYPTOTL_PROPERTY_CASES", 12);
  const size_t start = from_environment("CRYPTOTL_PROPERTY_SEED", 1);
  Tally tally;
  for (size_t i = 0; i < cases; ++i) run_case(start + i, tally);
  std::cout << tally.run << " networks, " << tally.refused
            << " precisions that cannot be had; within a factor of 8: " << tally.within
            << "; nearest prediction: " << tally.nearest << " times the error; flagged " << tally.flagged
            << " of " << tally.answers << " answers" << std::endl;
  EXPECT_GE(tally.run * 10, cases * 8);
  EXPECT_LE(tally.flagged * 100, tally.answers);
  EXPECT_GE(tally.within * 100, tally.run * (cases < 100 ? 80 : 95));
}

}  // namespace
}  // namespace cryptotl
