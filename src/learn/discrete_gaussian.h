#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cryptotl/base/random.h"

namespace cryptotl {

/// The noise's deviation in steps of the grid that noisy sums lie on: so fine that rounding a sum to the grid
/// hardly moves it.
inline constexpr int kLogNoiseSteps = 25;

/// Whole numbers y with probabilities in proportion to exp(-y^2 / (2 sigma^2)), sigma = 2^kLogNoiseSteps:
/// exactly these, from uniform bits alone, without a floating-point number (Canonne, Kamath and Steinke,
/// arXiv 2004.00010, algorithms 1 to 3). So no bit of a noisy sum tells anything that its value does not,
/// which noise in floating-point numbers cannot promise (Mironov, CCS 2012).
class DiscreteGaussian {
 public:
  /// The bits are those of an Xof under `seed` and a label of noise.
  explicit DiscreteGaussian(const Seed& seed);
  int64_t draw();

 private:
  uint64_t word();
  uint64_t below(uint64_t bound);
  bool one_in(uint64_t count);
  bool exp_of_fraction(uint64_t numerator, int log_denominator);
  bool exp_of(unsigned __int128 numerator, int log_denominator);
  int64_t draw_laplace();

  Xof bits_;
  std::array<uint64_t, 512> words_{};
  size_t used_ = words_.size();
};

/// Rows of a Poisson sample: each of `count` by itself with a probability of `rate`, rounded down to a
/// multiple of 2^-64.
class PoissonSampler {
 public:
  PoissonSampler(const Seed& seed, double rate);
  std::vector<int64_t> draw(size_t count);

 private:
  Xof bits_;
  unsigned __int128 threshold_;
};

}  // namespace cryptotl
