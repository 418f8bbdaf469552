#include "trainable_polynomial.h"

#include <algorithm>
#include <cmath>

namespace cryptotl {
namespace {

constexpr double kLeadingFactor = 4;
constexpr double kCentreHalfWidths = 2;

/// The coefficients of polynomial(offset + factor x) in x, by Horner's rule.
std::vector<double> substitute(std::span<const double> polynomial, double offset, double factor) {
  std::vector<double> out(polynomial.size());
  for (size_t i = polynomial.size(); i-- > 0;) {
    for (size_t k = out.size(); k-- > 0;) {
      out[k] = out[k] * offset + (k > 0 ? out[k - 1] * factor : 0);
    }
    out[0] += polynomial[i];
  }
  return out;
}

}  // namespace

std::vector<double> chebyshev_form(const Polynomial& polynomial, const PolynomialRange& range) {
  const std::vector<double> monomials = substitute(polynomial.coefficients, range.centre(), range.half());
  // Horner's rule again, on Chebyshev's polynomials: t T_0 = T_1, t T_k = (T_{k-1} + T_{k+1}) / 2.
  std::vector<double> out(monomials.size());
  for (size_t i = monomials.size(); i-- > 0;) {
    std::vector<double> product(out.size() + 1);
    for (size_t k = 0; k < out.size(); ++k) {
      product[k + 1] += k == 0 ? out[0] : out[k] / 2;
      if (k > 0) product[k - 1] += out[k] / 2;
    }
    product.pop_back();
    product[0] += monomials[i];
    out = std::move(product);
  }
  return out;
}

Polynomial from_chebyshev_form(std::span<const double> coefficients, const PolynomialRange& range) {
  const size_t size = coefficients.size();
  std::vector<double> before(size), term(size), monomials(size);  // T_{k-1}, T_k and the sum so far
  term[0] = 1;
  for (size_t k = 0; k < size; ++k) {
    std::vector<double> after(size);
    for (size_t i = 0; i < size; ++i) {
      monomials[i] += coefficients[k] * term[i];
      after[i] = (i > 0 ? (k == 0 ? 1 : 2) * term[i - 1] : 0) - (k == 0 ? 0 : before[i]);
    }
    before = std::move(term);
    term = std::move(after);
  }
  return {substitute(monomials, -range.centre() / range.half(), 1 / range.half())};
}

void keep_near(std::span<double> coefficients, std::span<const double> start) {
  double largest = 0;
  for (const double value : start) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < start.size(); ++i) {
    coefficients[i] = std::clamp(coefficients[i], start[i] - largest / 2, start[i] + largest / 2);
  }
  const size_t degree = start.size() - 1;
  const double sign = start[degree] < 0 ? -1 : 1;
  const double least = std::abs(start[degree]) / kLeadingFactor;
  const double most = std::abs(start[degree]) * kLeadingFactor;
  coefficients[degree] = sign * std::clamp(sign * coefficients[degree], least, most);
  // In t the centre is -b_{d-1} / (2 d b_d).
  const double twice_degree = 2 * static_cast<double>(degree);
  const double centre = std::abs(start[degree - 1] / (twice_degree * start[degree]));
  const double bound = std::max(kCentreHalfWidths, centre) * twice_degree * std::abs(coefficients[degree]);
  coefficients[degree - 1] = std::clamp(coefficients[degree - 1], -bound, bound);
}

}  // namespace cryptotl
