#pragma once

#include <span>
#include <string>
#include <vector>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// Middle value (of an even number, the mean of the two); 0 for none.
double median(std::span<const double> values);
/// Largest |a - b|; of equal shape.
double largest_difference(const Matrix& a, const Matrix& b);
/// The square root of the mean of (a - b)^2; of equal shape.
double rms_difference(const Matrix& a, const Matrix& b);

/// The values of these rows, in that order.
std::vector<int> take(std::span<const int> values, std::span<const size_t> rows);

/// The processor's name, as the system gives it.
std::string processor_name();

}  // namespace cryptotl
