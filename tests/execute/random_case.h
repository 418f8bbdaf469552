#pragma once

#include <cmath>
#include <cstdlib>
#include <random>

#include "cryptotl/network/network.h"

namespace cryptotl {

/// What a campaign's user asks for, or `usual`.
inline size_t from_environment(const char* name, size_t usual) {
  const char* wish = std::getenv(name);
  return wish == nullptr ? usual : std::strtoull(wish, nullptr, 10);
}

/// What the networks of campaigns are drawn from; a seed gives the same network as ever.
struct Draws {
  explicit Draws(uint64_t seed) : generator(seed), uniform(0.0, 1.0) {}

  double between(double low, double high) { return low + uniform(generator) * (high - low); }
  double log_between(double low, double high) {
    return std::exp(std::log(low) + uniform(generator) * std::log(high / low));
  }
  /// Coefficients that halve from term to term, the leading one well away from a lower degree.
  Polynomial activation(size_t degree) {
    std::normal_distribution<double> normal;
    Polynomial out;
    double size = 1;
    for (size_t i = 0; i <= degree; ++i, size /= 2) out.coefficients.push_back(size * normal(generator));
    double& leading = out.coefficients.back();
    leading += std::copysign(size / 4, leading);
    return out;
  }

  std::mt19937_64 generator;
  std::uniform_real_distribution<double> uniform;
};

}  // namespace cryptotl
