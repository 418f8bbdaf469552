#include "onnx_expression.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

constexpr size_t kMaxDegree = 64;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::malformed, why); }

OnnxExpression checked(OnnxExpression expression) {
  if (!std::ranges::all_of(expression, [](double c) { return std::isfinite(c); })) {
    refuse("the polynomial gets a coefficient that is not finite");
  }
  return expression;
}

}  // namespace

OnnxExpression sum(const OnnxExpression& a, const OnnxExpression& b) {
  OnnxExpression out = a.size() < b.size() ? b : a;
  const OnnxExpression& shorter = a.size() < b.size() ? a : b;
  for (size_t i = 0; i < shorter.size(); ++i) out[i] += shorter[i];
  return checked(std::move(out));
}

OnnxExpression difference(const OnnxExpression& a, const OnnxExpression& b) {
  return sum(a, product(b, {-1.0}));
}

OnnxExpression product(const OnnxExpression& a, const OnnxExpression& b) {
  if (a.size() + b.size() - 2 > kMaxDegree) {
    refuse("the polynomial gets a degree beyond " + std::to_string(kMaxDegree));
  }
  OnnxExpression out(a.size() + b.size() - 1);
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) out[i + j] += a[i] * b[j];
  }
  return checked(std::move(out));
}

OnnxExpression quotient(const OnnxExpression& a, double divisor) {
  OnnxExpression out = a;
  for (double& c : out) c /= divisor;
  return checked(std::move(out));
}

OnnxExpression power(const OnnxExpression& a, double exponent) {
  if (!(exponent >= 1 && exponent <= static_cast<double>(kMaxDegree)) || exponent != std::floor(exponent)) {
    refuse("the exponent must be a whole number of 1 to " + std::to_string(kMaxDegree));
  }
  OnnxExpression out = a;
  for (double i = 1; i < exponent; ++i) out = product(out, a);
  return out;
}

}  // namespace cryptotl
