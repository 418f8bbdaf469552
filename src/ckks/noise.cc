#include "cryptotl/ckks/noise.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/sampling.h"

namespace cryptotl {
namespace {

constexpr double kSecretVariance = 2.0 / 3.0;
constexpr double kRoundingVariance = 1.0 / 12.0;

}  // namespace

size_t noise_dimension(size_t n, Ring ring) { return ring == Ring::cyclotomic ? n : 2 * n; }

double slot_deviation(double coefficient_deviation, size_t n, Ring ring) {
  return coefficient_deviation * std::sqrt(static_cast<double>(n) * (ring == Ring::cyclotomic ? 0.5 : 1.0));
}

double encoding_noise() { return std::sqrt(kRoundingVariance); }

double fresh_noise() { return kErrorDeviation; }

double fresh_public_noise(size_t n) { return rescale_noise(n); }

double zero_noise(size_t n) {
  return kErrorDeviation * std::sqrt(2 * kSecretVariance * static_cast<double>(n) + 1);
}

double rescale_noise(size_t n, size_t degree) {
  double power = 1;
  double sum = 1;
  for (size_t k = 1; k <= degree; ++k) {
    power *= static_cast<double>(k) * kSecretVariance * static_cast<double>(n);
    sum += power;
  }
  return std::sqrt(kRoundingVariance * sum);
}

double modulus_switch_noise(size_t n, size_t dropped_bits) {
  const double unit = std::exp2(static_cast<double>(dropped_bits));
  return std::sqrt(kRoundingVariance * (unit * unit + kSecretVariance * static_cast<double>(n)));
}

double extended_key_switch_noise(const Params& params, size_t limbs) {
  double special = 1;
  for (const uint32_t prime : params.spec().special_primes) special *= prime;
  double digits = 0;
  for (size_t first = 0; first < limbs; first += params.num_special()) {
    double digit = 1 / special;
    for (size_t i = first; i < std::min(limbs, first + params.num_special()); ++i) {
      digit *= params.modulus(i).value();
    }
    digits += digit * digit * kRoundingVariance;
  }
  return kErrorDeviation * std::sqrt(static_cast<double>(params.n()) * digits);
}

double key_switch_noise(const Params& params, size_t limbs) {
  return std::hypot(extended_key_switch_noise(params, limbs), rescale_noise(params.n()));
}

// A slot's noise is circular, with twice the variance of a component: E|e_a e_b|^2 = 4 a^2 b^2.
double product_slot_deviation(double magnitude_a, double deviation_a, double magnitude_b,
                              double deviation_b) {
  return std::hypot(magnitude_a * deviation_b, magnitude_b * deviation_a,
                    std::sqrt(2.0) * deviation_a * deviation_b);
}

// 2 m e + e^2, with E|e|^4 = 8 deviation^4.
double square_slot_deviation(double magnitude, double deviation) {
  return std::hypot(2 * magnitude * deviation, 2 * deviation * deviation);
}

}  // namespace cryptotl
