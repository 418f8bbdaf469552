#pragma once

#include <vector>

#include "cryptotl/learn/privacy_accountant.h"

namespace cryptotl {

/// Which of two neighbours has the example.
enum class Neighbour { removed, added };

/// A distribution of privacy losses on the grid of multiples of `step`: masses[i] at (first + i) step, what
/// is left to 1 at infinity. It stands for a pair of distributions at least as far apart, for every epsilon,
/// as a mechanism's.
struct PrivacyLoss {
  double step = 0;
  int64_t first = 0;
  std::vector<double> masses;
  double infinite = 0;

  double at(size_t i) const { return static_cast<double>(first + static_cast<int64_t>(i)) * step; }
  /// The hockey-stick divergence at e^epsilon.
  double delta(double epsilon) const;
};

/// One step of the mechanism.
PrivacyLoss privacy_loss(const SampledGaussian& mechanism, Neighbour neighbour, double step);

/// So many of each together: by FFT, over a window beyond which less than `tail` lies, which counts as
/// infinite.
PrivacyLoss compose(const std::vector<PrivacyLoss>& losses, const std::vector<size_t>& times, double tail);

}  // namespace cryptotl
