#pragma once

#include <cmath>
#include <complex>
#include <span>
#include <vector>

#include "cryptotl/ckks/encoder.h"

namespace cryptotl {

/// Root mean square.
inline double deviation(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// Root mean square of real and imaginary parts.
inline double deviation(std::span<const Complex> values) {
  double sum = 0;
  for (const Complex& value : values) sum += std::norm(value);
  return std::sqrt(sum / (2.0 * static_cast<double>(values.size())));
}

template <typename T>
std::vector<T> difference(std::span<const T> a, std::span<const T> b) {
  std::vector<T> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

inline double max_difference(std::span<const Complex> a, std::span<const Complex> b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace cryptotl
