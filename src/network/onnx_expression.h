#pragma once

#include <cstddef>
#include <vector>

namespace cryptotl {

/// What a value of the graph is in terms of u, an element of the last layer's output:
///
///   sum of terms[i] u^i + erf(u / sqrt 2) sum of erf_terms[i] u^i.
///
/// The second sum is how exporters write Gelu; it is empty for a polynomial. Every function throws malformed
/// where the degree or a coefficient grows beyond bounds, or where no such expression is the answer.
struct OnnxExpression {
  std::vector<double> terms;
  std::vector<double> erf_terms;

  static OnnxExpression number(double value) { return {{value}, {}}; }
  static OnnxExpression unknown() { return {{0.0, 1.0}, {}}; }
  bool is_polynomial() const { return erf_terms.empty(); }
  /// u / 2 + u / 2 erf(u / sqrt 2), to the precision of constants stored as floats.
  bool is_gelu() const;
};

OnnxExpression sum(const OnnxExpression& a, const OnnxExpression& b);
OnnxExpression difference(const OnnxExpression& a, const OnnxExpression& b);
OnnxExpression product(const OnnxExpression& a, const OnnxExpression& b);
OnnxExpression quotient(const OnnxExpression& a, double divisor);
OnnxExpression power(const OnnxExpression& a, double exponent);
/// erf(a), where a is u / sqrt 2 to the precision of a float.
OnnxExpression error_function(const OnnxExpression& a);

}  // namespace cryptotl
