// Random networks and precisions through whole batches: the predicted error must hold in every case and be
// near in most. CRYPTOTL_PROPERTY_CASES sets how many; CRYPTOTL_PROPERTY_SEED where they start.
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "execute/encrypted_batches.h"
#include "execute/random_case.h"

namespace cryptotl {
namespace {

struct Drawn {
  std::vector<size_t> widths;
  Polynomial activation;
  double precision = 0;
  size_t samples = 0;
  bool small_primes = false;  ///< where there are blocks

  explicit Drawn(uint64_t seed) {
    Draws draws(seed);
    const size_t layers = draws.between(0, 1) < 0.8 ? 1 : 2;
    for (size_t i = 0; i < layers + 2; ++i) widths.push_back(static_cast<size_t>(draws.log_between(2, 80)));
    activation = draws.activation(static_cast<size_t>(draws.between(2, 5)));
    precision = draws.log_between(1e-4, 1e-2);
    constexpr size_t kSamples[] = {0, 0, 256, 512, 1024, 2048};
    samples = kSamples[static_cast<size_t>(draws.between(0, 6))];
    small_primes = draws.between(0, 1) < 0.5;
  }
  PlanOptions wish() const {
    PlanOptions out{.precision = precision, .samples = samples};
    if (small_primes) out.speeds.multiply_add *= 1000;  // so that they pay in networks of this size, too
    return out;
  }
};

TEST(BatchCampaign, PredictedErrorsHoldInAllCasesAndAreWithinAFactorOf8InMost) {
  const size_t cases = from_environment("CRYPTOTL_PROPERTY_CASES", 8);
  const size_t start = from_environment("CRYPTOTL_PROPERTY_SEED", 1);
  size_t run = 0, within = 0;
  double nearest = 1e300;
  for (uint64_t seed = start; seed < start + cases; ++seed) {
    const Drawn drawn(seed);
    const FoldedNetwork network = random_network(drawn.widths, drawn.activation, seed);
    const Matrix source = uniform_rows(100, drawn.widths.front(), seed + 1);
    const PlanOptions wish = drawn.wish();
    if (!plan_batch(network, calibrate(network, source), wish).ok()) continue;
    Batches both(network, source, wish);
    EXPECT_LE(both.plan.predicted_error, drawn.precision);
    Matrix rows = uniform_rows(std::min<size_t>(2000, both.plan.samples()), drawn.widths.front(), seed + 2);
    std::ranges::copy(source.values, rows.values.begin());
    const Matrix got = both.features(rows);
    const Matrix expected = forward(both.folded, rows);
    double worst = 0;
    for (size_t i = 0; i < rows.rows; ++i) {
      // As a client does: polynomials grow fast beyond the range that the plan was made for.
      const auto beyond = [&](double y) { return std::abs(y) > both.plan.output_limit; };
      if (std::ranges::any_of(got.row(i), beyond)) continue;
      for (size_t r = 0; r < got.cols; ++r) worst = std::max(worst, std::abs(got(i, r) - expected(i, r)));
    }
    EXPECT_LE(worst, both.plan.predicted_error) << "seed " << seed;
    const double ratio = both.plan.predicted_error / worst;
    if (std::getenv("CRYPTOTL_DESCRIBE") != nullptr) {
      std::cout << both.plan.to_json().dump() << std::endl;
    }
    if (ratio > 8) {
      std::cout << "loose: " << ratio << ", seed " << seed << ", blocks of " << both.plan.block << std::endl;
    }
    ++run;
    within += ratio <= 8 ? 1 : 0;
    nearest = std::min(nearest, ratio);
  }
  std::cout << run << " networks; within a factor of 8: " << within << "; nearest prediction: " << nearest
            << " times the error" << std::endl;
  EXPECT_GE(run * 10, cases * 7);
  EXPECT_GE(within * 100, run * 70);
}

}  // namespace
}  // namespace cryptotl
