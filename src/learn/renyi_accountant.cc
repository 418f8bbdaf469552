#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cryptotl/learn/privacy_accountant.h"

namespace cryptotl {
namespace {

double log_add(double a, double b) {
  const double high = std::max(a, b);
  if (std::isinf(high)) return high;
  return high + std::log1p(std::exp(std::min(a, b) - high));
}

/// log(exp(a) - exp(b)) for a > b.
double log_subtract(double a, double b) {
  if (std::isinf(b)) return a;
  return a + std::log1p(-std::exp(b - a));
}

/// log erfc(x), also where erfc leaves the doubles.
double log_erfc(double x) {
  if (x < 25) return std::log(std::erfc(x));
  const double s = 1 / (x * x);
  return -x * x - std::log(x) - 0.5 * std::log(M_PI) + std::log1p(s * (-0.5 + s * (0.75 - 1.875 * s)));
}

/// log of the moment E[(P/Q)^order] under Q, for a whole order: a binomial sum.
double log_moment(double rate, double noise, int64_t order) {
  double sum = -std::numeric_limits<double>::infinity();
  for (int64_t k = 0; k <= order; ++k) {
    const double n = static_cast<double>(order), i = static_cast<double>(k);
    const double binomial = std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1);
    sum = log_add(
        sum, binomial + i * std::log(rate) + (n - i) * std::log1p(-rate) + (i * i - i) / (2 * noise * noise));
  }
  return sum;
}

/// The same for any order: the binomial series on either side of where both densities meet (Mironov et al.,
/// section 3.3). Its terms alternate in sign beyond the order.
double log_moment(double rate, double noise, double order) {
  constexpr double kSmallTerm = -30;  // log of what no longer counts
  double sums[2] = {-std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  const double meeting = noise * noise * std::log(1 / rate - 1) + 0.5;
  double coefficient = 0;  // log of |binomial(order, i)|
  bool positive = true;
  for (int i = 0;; ++i) {
    const double rest = order - i;
    const double low = coefficient + i * std::log(rate) + rest * std::log1p(-rate) - std::log(2) +
                       (static_cast<double>(i) * i - i) / (2 * noise * noise) +
                       log_erfc((i - meeting) / (std::sqrt(2) * noise));
    const double high = coefficient + rest * std::log(rate) + i * std::log1p(-rate) - std::log(2) +
                        (rest * rest - rest) / (2 * noise * noise) +
                        log_erfc((meeting - rest) / (std::sqrt(2) * noise));
    for (const double term : {low, high}) {
      double& sum = sums[positive ? 0 : 1];
      sum = log_add(sum, term);
    }
    if (std::max(low, high) < kSmallTerm) break;
    positive = (order - i >= 0) == positive;
    coefficient += std::log(std::abs((order - i) / (i + 1)));
  }
  return log_subtract(sums[0], sums[1]);
}

std::vector<double> orders() {
  std::vector<double> out;
  for (int i = 1; i < 100; ++i) out.push_back(1 + i / 10.0);
  for (int order = 11; order < 64; ++order) out.push_back(order);
  for (int order = 64; order <= 1024; order *= 2) out.push_back(order);
  return out;
}

}  // namespace

Status check_mechanism(const SampledGaussian& mechanism) {
  const bool rate = mechanism.sampling_rate > 0 && mechanism.sampling_rate <= 1;
  const bool noise = mechanism.noise_multiplier > 0 && std::isfinite(mechanism.noise_multiplier);
  if (rate && noise) return {};
  return Error(ErrorCode::invalid_argument,
               rate ? "privacy: a noise multiplier of " + std::to_string(mechanism.noise_multiplier) +
                          "; a number above 0 is right"
                    : "privacy: a sampling rate of " + std::to_string(mechanism.sampling_rate) +
                          "; above 0 and at most 1 is right");
}

double renyi_divergence(const SampledGaussian& mechanism, double order) {
  const auto& [rate, noise, steps] = mechanism;
  if (rate == 1) return static_cast<double>(steps) * order / (2 * noise * noise);
  const bool whole = order == std::floor(order);
  const double moment =
      whole ? log_moment(rate, noise, static_cast<int64_t>(order)) : log_moment(rate, noise, order);
  return static_cast<double>(steps) * std::max(0.0, moment) / (order - 1);
}

double renyi_epsilon(std::span<const SampledGaussian> mechanisms, double delta) {
  if (!(delta > 0 && delta < 1))
    throw Error(ErrorCode::invalid_argument,
                "privacy: a delta of " + std::to_string(delta) + "; between 0 and 1 is right");
  double least = std::numeric_limits<double>::infinity();
  for (const double order : orders()) {
    double divergence = 0;
    for (const SampledGaussian& mechanism : mechanisms) {
      check_mechanism(mechanism).value();
      divergence += renyi_divergence(mechanism, order);
    }
    least = std::min(least, divergence + std::log1p(-1 / order) - std::log(delta * order) / (order - 1));
  }
  return std::max(0.0, least);
}

}  // namespace cryptotl
