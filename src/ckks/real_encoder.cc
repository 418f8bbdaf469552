#include "cryptotl/ckks/real_encoder.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/base/secret_buffer.h"

namespace cryptotl {

std::vector<int64_t> RealEncoder::encode(std::span<const double> values, double scale) const {
  const std::vector<Complex> slots(values.begin(), values.end());
  std::vector<int64_t> coefficients = encoder_.encode(slots, scale);
  coefficients.resize(encoder_.slots());
  return coefficients;
}

// X^-i is -X^(2N-i).
std::vector<double> RealEncoder::decode(std::span<const double> coefficients, double scale) const {
  const size_t n = encoder_.slots();
  CRYPTOTL_ASSERT(coefficients.size() == n);
  std::vector<double> all(2 * n);
  all[0] = coefficients[0];
  for (size_t i = 1; i < n; ++i) {
    all[i] = coefficients[i];
    all[2 * n - i] = -coefficients[i];
  }
  const std::vector<Complex> slots = encoder_.decode(all, scale);
  std::vector<double> out(n);
  for (size_t k = 0; k < n; ++k) out[k] = slots[k].real();
  return out;
}

double RealEncoder::largest_slot(std::span<const int8_t> secret) const {
  const size_t n = encoder_.slots();
  CRYPTOTL_ASSERT(secret.size() == n);
  SecretBuffer<Complex> points(2 * n);
  for (size_t i = 0; i < n; ++i) points[i] = secret[i];
  for (size_t i = 1; i < n; ++i) points[2 * n - i] = -static_cast<double>(secret[i]);
  encoder_.evaluate(points.span());
  double largest = 0;
  for (const Complex& point : points.span()) largest = std::max(largest, std::abs(point.real()));
  return largest;
}

}  // namespace cryptotl
