#include "cryptotl/plan/activation_circuit.h"

#include <array>
#include <string>

namespace cryptotl {
namespace {

constexpr Product kSquare = {0, 0, 1};  // r1 = v^2 + ...
constexpr Product kCube = {1, 0, 2};    // r1 v
constexpr std::array kDegree2 = {kSquare};
constexpr std::array kDegree3 = {kSquare, kCube};
constexpr std::array kDegree4 = {kSquare, Product{1, 1, 2}};
constexpr std::array kDegree5 = {kSquare, Product{1, 1, 2}, Product{2, 0, 3}};
constexpr std::array kDegree6 = {kSquare, kCube, Product{2, 2, 3}};
constexpr std::array kDegree7 = {kSquare, kCube, Product{1, 1, 2}, Product{2, 3, 3}};

double coefficient(const FoldedActivation& activation, size_t power) {
  return power < activation.coefficients.size() ? activation.coefficients[power] : 0.0;
}

}  // namespace

std::span<const Product> activation_products(size_t degree) {
  switch (degree) {
    case 2:
      return kDegree2;
    case 3:
      return kDegree3;
    case 4:
      return kDegree4;
    case 5:
      return kDegree5;
    case 6:
      return kDegree6;
    case 7:
      return kDegree7;
    default:
      throw Error(ErrorCode::invalid_argument,
                  "an activation of degree " + std::to_string(degree) + "; degrees 2 to 7 can be encrypted");
  }
}

size_t activation_depth(size_t degree) { return activation_products(degree).back().depth; }

// With q_i the coefficient of v^i and r1 = v^2 + a:
//   4: r1^2 + q1 v - a^2,                        a = q2 / 2
//   5: (r1^2 + q2 v + q1 - a^2) v,               a = q3 / 2
//   6: r2 = r1 v; r2^2 + q3 r2 + b r1 + (q1 - q3 a) v - b a,   a = q4 / 2, b = q2 - a^2
//   7: r2 = r1 v, r3 = r1^2 + q4 v + c; r2 r3 + b r1 + (q1 - a e) v - b a,
//      a = q5 / 3, e = q3 - 2 a^2, c = e - a^2, b = q2 - a q4.
std::vector<ProductTerms> activation_terms(const FoldedActivation& activation) {
  const auto q = [&](size_t power) { return coefficient(activation, power); };
  switch (activation.degree) {
    case 2:
      return {{{0}, 0}};
    case 3:
      return {{{0}, q(1)}, {{0, 0}, 0}};
    case 4: {
      const double a = q(2) / 2;
      return {{{0}, a}, {{q(1), 0}, -a * a}};
    }
    case 5: {
      const double a = q(3) / 2;
      return {{{0}, a}, {{q(2), 0}, q(1) - a * a}, {{0, 0, 0}, 0}};
    }
    case 6: {
      const double a = q(4) / 2;
      const double b = q(2) - a * a;
      return {{{0}, a}, {{0, 0}, 0}, {{q(1) - q(3) * a, b, q(3)}, -b * a}};
    }
    case 7: {
      const double a = q(5) / 3;
      const double e = q(3) - 2 * a * a;
      const double b = q(2) - a * q(4);
      return {{{0}, a}, {{0, 0}, 0}, {{q(4), 0, 0}, e - a * a}, {{q(1) - a * e, b, 0, 0}, -b * a}};
    }
    default:
      activation_products(activation.degree);  // throws
      return {};
  }
}

std::vector<double> activation_registers(const FoldedActivation& activation, double v) {
  const auto products = activation_products(activation.degree);
  const std::vector<ProductTerms> terms = activation_terms(activation);
  std::vector<double> registers = {v};
  for (size_t i = 0; i < products.size(); ++i) {
    double value = registers[products[i].left] * registers[products[i].right] + terms[i].constant;
    for (size_t k = 0; k < terms[i].linear.size(); ++k) value += terms[i].linear[k] * registers[k];
    registers.push_back(value);
  }
  return registers;
}

std::vector<double> activation_sensitivities(const FoldedActivation& activation,
                                             std::span<const double> registers) {
  const auto products = activation_products(activation.degree);
  const std::vector<ProductTerms> terms = activation_terms(activation);
  std::vector<double> out(registers.size());
  out.back() = 1;
  for (size_t i = products.size(); i-- > 0;) {
    const double later = out[i + 1];
    out[products[i].left] += later * registers[products[i].right];
    out[products[i].right] += later * registers[products[i].left];
    for (size_t k = 0; k < terms[i].linear.size(); ++k) out[k] += later * terms[i].linear[k];
  }
  return out;
}

}  // namespace cryptotl
