#pragma once

#include <cstddef>
#include <vector>

namespace cryptotl {

/// A polynomial in one unknown u, c[0] + c[1] u + ...: what a value of the graph is in terms of the last
/// layer's output. Every function throws malformed where the degree or a coefficient grows beyond bounds.
using OnnxExpression = std::vector<double>;

OnnxExpression sum(const OnnxExpression& a, const OnnxExpression& b);
OnnxExpression difference(const OnnxExpression& a, const OnnxExpression& b);
OnnxExpression product(const OnnxExpression& a, const OnnxExpression& b);
OnnxExpression quotient(const OnnxExpression& a, double divisor);
OnnxExpression power(const OnnxExpression& a, double exponent);

}  // namespace cryptotl
