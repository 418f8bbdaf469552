#pragma once

#include <cmath>
#include <complex>
#include <cstdlib>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/ckks/encoder.h"

namespace cryptotl {

inline std::vector<Complex> random_slots(size_t count, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  std::vector<Complex> out(count);
  for (Complex& value : out) value = {uniform(generator), uniform(generator)};
  return out;
}

/// The code of the Error that the call throws; internal where it throws none.
inline ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

/// How many random cases a property is tried on: CRYPTOTL_PROPERTY_CASES, or 200.
inline size_t property_cases() {
  const char* cases = std::getenv("CRYPTOTL_PROPERTY_CASES");
  return cases == nullptr ? 200 : std::stoul(cases);
}

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
