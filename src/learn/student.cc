#include "student.h"

#include <cmath>
#include <numbers>

namespace cryptotl {
namespace {

/// P(0 < T < t) by Simpson's rule in the angle atan(t / sqrt(degrees)), where the density is a power of a
/// cosine.
double central_half(double t, size_t degrees) {
  const auto nu = static_cast<double>(degrees);
  const double norm = std::exp(std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2)) / std::sqrt(std::numbers::pi);
  const double end = std::atan(t / std::sqrt(nu));
  constexpr int kSteps = 512;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double weight = i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2;
    sum += weight * std::pow(std::cos(end * i / kSteps), nu - 1);
  }
  return norm * sum * end / kSteps / 3;
}

}  // namespace

double student_quantile(double probability, size_t degrees) {
  double low = 0, high = 1e6;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (0.5 + central_half(middle, degrees) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

ConfidenceInterval interval_of(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  ConfidenceInterval interval;
  for (const double value : values) interval.mean += value / count;
  interval.low = interval.high = interval.mean;
  if (values.size() < 2) return interval;
  double squares = 0;
  for (const double value : values) squares += (value - interval.mean) * (value - interval.mean);
  interval.deviation = std::sqrt(squares / (count - 1));
  const double half = student_quantile(0.975, values.size() - 1) * interval.deviation / std::sqrt(count);
  interval.low -= half;
  interval.high += half;
  return interval;
}

}  // namespace cryptotl
