#pragma once

#include <cmath>
#include <span>
#include <vector>

namespace cryptotl {

inline double chi_square(std::span<const double> counts, std::span<const double> expected) {
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) sum += std::pow(counts[i] - expected[i], 2) / expected[i];
  return sum;
}

/// What chi-square exceeds with probability 1e-6 (Wilson and Hilferty 1931; 4.75 deviations of the normal).
inline double chi_square_limit(size_t cells) {
  const double freedom = static_cast<double>(cells - 1);
  const double spread = 2 / (9 * freedom);
  return freedom * std::pow(1 - spread + 4.75 * std::sqrt(spread), 3);
}

/// P(difference of two sums of 21 bits = k) = C(42, 21 + k) / 2^42.
inline double binomial_probability(int k) {
  return std::exp(std::lgamma(43) - std::lgamma(22 + k) - std::lgamma(22 - k) - 42 * std::log(2.0));
}

/// The counts of errors in cells -tail < k < tail and in one, the first, for both tails; and what the centred
/// binomial lets expect. Errors beyond 21 count in no cell.
struct ErrorCells {
  explicit ErrorCells(int first_of_tail)
      : tail(first_of_tail), counts(static_cast<size_t>(2 * tail)), expected(counts.size()) {
    for (int k = -21; k <= 21; ++k) expected[cell(k)] += binomial_probability(k);
  }
  size_t cell(int k) const { return std::abs(k) >= tail ? 0 : static_cast<size_t>(k + tail); }
  void add(int k) {
    if (std::abs(k) <= 21) ++counts[cell(k)];
    ++total;
  }
  /// Below 1 with probability 1 - 1e-6.
  double misfit() const {
    std::vector<double> scaled = expected;
    for (double& value : scaled) value *= static_cast<double>(total);
    return chi_square(counts, scaled) / chi_square_limit(counts.size());
  }

  int tail;
  size_t total = 0;
  std::vector<double> counts, expected;
};

}  // namespace cryptotl
