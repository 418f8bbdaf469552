#include "cryptotl/ckks/encoder.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {

Encoder::Encoder(size_t log_n)
    : log_n_(log_n),
      roots_(size_t{2} << log_n),
      slot_index_(size_t{1} << (log_n - 1)),
      reversed_(size_t{1} << log_n) {
  const size_t n = size_t{1} << log_n;
  for (size_t j = 0; j < 2 * n; ++j) {
    const double angle = std::numbers::pi * static_cast<double>(j) / static_cast<double>(n);
    roots_[j] = {std::cos(angle), std::sin(angle)};
  }
  uint32_t exponent = 1;
  for (uint32_t& index : slot_index_) {
    index = (exponent - 1) / 2;
    exponent = static_cast<uint32_t>(uint64_t{3} * exponent % (2 * n));
  }
  for (size_t i = 1; i < n; ++i) {
    reversed_[i] = static_cast<uint32_t>(reversed_[i / 2] / 2 + ((i & 1) << (log_n - 1)));
  }
}

// Cyclic DFT of N points, sum_j values[j] omega^(+-i j) with omega = zeta^2: radix 2, decimation in time.
void Encoder::transform(std::span<Complex> values, bool inverse) const {
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) {
    if (i < reversed_[i]) std::swap(values[i], values[reversed_[i]]);
  }
  for (size_t half = 1; half < n; half *= 2) {
    const size_t step = n / half;  // zeta^step is a primitive (2 half)-th root
    for (size_t start = 0; start < n; start += 2 * half) {
      for (size_t j = 0; j < half; ++j) {
        const Complex root = inverse ? std::conj(roots_[j * step]) : roots_[j * step];
        Complex& low = values[start + j];
        Complex& high = values[start + j + half];
        const Complex product(root.real() * high.real() - root.imag() * high.imag(),
                              root.real() * high.imag() + root.imag() * high.real());
        high = low - product;
        low += product;
      }
    }
  }
}

// With v_i = m(zeta^(2i+1)), a coefficient is m_j = zeta^-j (1/N) sum_i v_i omega^(-ij); v is
// conjugate-symmetric, as zeta^(2N-1-2i) is the conjugate of zeta^(2i+1).
std::vector<int64_t> Encoder::encode(std::span<const Complex> values, double scale) const {
  const size_t n = size_t{1} << log_n_;
  if (values.size() > n / 2) {
    throw Error(ErrorCode::too_large, "encode: " + std::to_string(values.size()) + " values for " +
                                          std::to_string(n / 2) + " slots");
  }
  std::vector<Complex> points(n);
  for (size_t k = 0; k < values.size(); ++k) {
    points[slot_index_[k]] = values[k];
    points[n - 1 - slot_index_[k]] = std::conj(values[k]);
  }
  transform(points, true);
  std::vector<int64_t> coefficients(n);
  const double factor = scale / static_cast<double>(n);
  for (size_t j = 0; j < n; ++j) {
    const double value = (points[j] * std::conj(roots_[j])).real() * factor;
    if (!(std::abs(value) < 0x1p62)) {
      throw Error(ErrorCode::too_large, "encode: a value times the scale leaves 62 bits");
    }
    coefficients[j] = std::llrint(value);
  }
  return coefficients;
}

std::vector<int64_t> Encoder::encode_message(std::span<const Complex> values, double scale) const {
  return encode(values, std::ldexp(scale, -message_shift(scale)));
}

int message_shift(double scale) {
  constexpr int kBits = 60;
  return std::max(0, static_cast<int>(std::ceil(std::log2(scale))) - kBits);
}

void Encoder::evaluate(std::span<Complex> coefficients) const {
  for (size_t j = 0; j < coefficients.size(); ++j) coefficients[j] = coefficients[j].real() * roots_[j];
  transform(coefficients, false);
}

std::vector<Complex> Encoder::decode(std::span<const double> coefficients, double scale) const {
  const size_t n = size_t{1} << log_n_;
  CRYPTOTL_ASSERT(coefficients.size() == n);
  std::vector<Complex> points(coefficients.begin(), coefficients.end());
  evaluate(points);
  std::vector<Complex> values(n / 2);
  for (size_t k = 0; k < n / 2; ++k) values[k] = points[slot_index_[k]] / scale;
  return values;
}

void require_message(const Params& params, size_t coefficients, size_t limbs) {
  if (coefficients == params.n() && limbs >= 1 && limbs <= params.num_primes()) return;
  throw Error(ErrorCode::invalid_argument, "a message of " + std::to_string(coefficients) +
                                               " coefficients over " + std::to_string(limbs) +
                                               " limbs; right are " + std::to_string(params.n()) +
                                               " over 1 to " + std::to_string(params.num_primes()));
}

RnsPolynomial to_ntt(const Params& params, std::span<const int64_t> coefficients, size_t limbs,
                     bool extended) {
  require_message(params, coefficients.size(), limbs);
  RnsPolynomial out(params.n(), limbs + (extended ? params.num_special() : 0));
  for (size_t i = 0; i < out.num_limbs(); ++i) {
    const NttTables& tables = params.tables(params.extended_index(i, limbs));
    uint32_t* limb = out.limb(i);
    for (size_t j = 0; j < params.n(); ++j) limb[j] = tables.modulus.reduce(coefficients[j]);
    kernels().ntt_forward(limb, tables);
  }
  return out;
}

RnsPolynomial shifted_to_ntt(const Params& params, std::span<const int64_t> coefficients, int shift,
                             size_t limbs, bool extended) {
  RnsPolynomial out = to_ntt(params, coefficients, limbs, extended);
  for (size_t i = 0; i < out.num_limbs() && shift > 0; ++i) {
    const Modulus& q = params.modulus(params.extended_index(i, limbs));
    const uint32_t power = q.power(2, static_cast<uint64_t>(shift));
    kernels().multiply_scalar(out.limb(i), out.limb(i), power, params.n(), q);
  }
  return out;
}

// Garner's mixed radix over at most four limbs (120 bits), in 128-bit integers.
std::vector<double> centred_coefficients(const Params& params, const RnsPolynomial& polynomial) {
  using Wide = unsigned __int128;
  const size_t limbs = std::min<size_t>(4, polynomial.num_limbs());
  Wide product = 1;
  for (size_t i = 0; i < limbs; ++i) product *= params.modulus(i).value();
  std::vector<double> out(params.n());
  for (size_t j = 0; j < params.n(); ++j) {
    Wide value = polynomial.limb(0)[j];
    Wide radix = params.modulus(0).value();
    for (size_t i = 1; i < limbs; ++i) {
      const Modulus& q = params.modulus(i);
      const auto known = static_cast<uint32_t>(value % q.value());
      uint32_t digit = q.subtract(polynomial.limb(i)[j], known);
      for (size_t k = 0; k < i; ++k) digit = q.multiply(digit, params.inverse_of(k, i));
      value += radix * digit;
      radix *= q.value();
    }
    out[j] = value > product / 2 ? -static_cast<double>(product - value) : static_cast<double>(value);
  }
  return out;
}

}  // namespace cryptotl
