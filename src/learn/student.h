#pragma once

#include <cstddef>
#include <span>

namespace cryptotl {

/// The t that Student's distribution with `degrees` of freedom stays below with probability `probability` in
/// (1/2, 1).
double student_quantile(double probability, size_t degrees);

struct ConfidenceInterval {
  double mean = 0;
  double deviation = 0;  ///< sample standard deviation (n - 1)
  double low = 0, high = 0;
};

/// Mean and 95 % interval of independent values; the interval is the mean alone for a single one.
ConfidenceInterval interval_of(std::span<const double> values);

}  // namespace cryptotl
