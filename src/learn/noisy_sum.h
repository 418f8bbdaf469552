#pragma once

#include <optional>
#include <span>

#include "learn/discrete_gaussian.h"

namespace cryptotl {

/// What a step of DP-SGD makes public of a sum of clipped gradients: the sum on a grid, with noise.
///
/// The grid has 2^kLogNoiseSteps points in a deviation of the noise. Rounding a sum moves it by at most half
/// a point in each of d numbers, so two sums that differ by one row of length l differ by at most l +
/// sqrt(d) points. Rows are clipped to so much less than the clipping norm that this is within it; what
/// double precision rounds away on the way is millions of times smaller and has its share of the margin.
class NoisySum {
 public:
  /// invalid_argument where the margin would be half of the clipping norm or more: at noise multipliers
  /// beyond 2^24 / sqrt(length). No noise, no grid and no margin where the multiplier is 0.
  NoisySum(const Seed& seed, size_t length, double clipping_norm, double noise_multiplier);

  double clipping_norm() const { return clipping_norm_; }
  /// What a row's gradient is to be clipped to.
  double row_limit() const { return row_limit_; }
  /// Rounds the sum and adds the noise.
  void release(std::span<double> sum);

 private:
  double clipping_norm_;
  double row_limit_;
  double grid_;
  DiscreteGaussian noise_;
};

}  // namespace cryptotl
