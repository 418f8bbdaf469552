#include "onnx_expression.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

using Terms = std::vector<double>;

constexpr size_t kMaxDegree = 64;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

Terms checked(Terms terms) {
  if (!std::ranges::all_of(terms, [](double c) { return std::isfinite(c); })) {
    refuse("the polynomial gets a coefficient that is not finite");
  }
  return terms;
}

Terms sum(const Terms& a, const Terms& b) {
  Terms out = a.size() < b.size() ? b : a;
  const Terms& shorter = a.size() < b.size() ? a : b;
  for (size_t i = 0; i < shorter.size(); ++i) out[i] += shorter[i];
  return checked(std::move(out));
}

Terms product(const Terms& a, const Terms& b) {
  if (a.empty() || b.empty()) return {};
  if (a.size() + b.size() - 2 > kMaxDegree) {
    refuse("the polynomial gets a degree beyond " + std::to_string(kMaxDegree));
  }
  Terms out(a.size() + b.size() - 1);
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) out[i + j] += a[i] * b[j];
  }
  return checked(std::move(out));
}

/// Whether the sum is `slope` times u, its constants having gone through floats.
bool is_multiple_of_u(const Terms& terms, double slope) {
  constexpr double kFloat = 1e-6;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (std::abs(terms[i] - (i == 1 ? slope : 0)) > kFloat) return false;
  }
  return terms.size() > 1;
}

}  // namespace

bool OnnxExpression::is_gelu() const {
  return is_multiple_of_u(terms, 0.5) && is_multiple_of_u(erf_terms, 0.5);
}

OnnxExpression sum(const OnnxExpression& a, const OnnxExpression& b) {
  return {sum(a.terms, b.terms), sum(a.erf_terms, b.erf_terms)};
}

OnnxExpression difference(const OnnxExpression& a, const OnnxExpression& b) {
  return sum(a, product(b, OnnxExpression::number(-1)));
}

OnnxExpression product(const OnnxExpression& a, const OnnxExpression& b) {
  if (!a.is_polynomial() && !b.is_polynomial()) refuse("erf is multiplied by itself; only Gelu may use it");
  return {product(a.terms, b.terms), sum(product(a.terms, b.erf_terms), product(a.erf_terms, b.terms))};
}

OnnxExpression quotient(const OnnxExpression& a, double divisor) {
  OnnxExpression out = a;
  for (double& c : out.terms) c /= divisor;
  for (double& c : out.erf_terms) c /= divisor;
  return {checked(std::move(out.terms)), checked(std::move(out.erf_terms))};
}

OnnxExpression power(const OnnxExpression& a, double exponent) {
  if (!(exponent >= 1 && exponent <= static_cast<double>(kMaxDegree)) || exponent != std::floor(exponent)) {
    refuse("the exponent must be a whole number of 1 to " + std::to_string(kMaxDegree));
  }
  OnnxExpression out = a;
  for (double i = 1; i < exponent; ++i) out = product(out, a);
  return out;
}

OnnxExpression error_function(const OnnxExpression& a) {
  if (!a.is_polynomial() || !is_multiple_of_u(a.terms, 1 / std::numbers::sqrt2)) {
    refuse("only erf(x / sqrt(2)), as a part of Gelu, is read");
  }
  return {{0.0}, {1.0}};
}

}  // namespace cryptotl
