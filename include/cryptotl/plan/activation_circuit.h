#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cryptotl/network/folding.h"

namespace cryptotl {

/// One multiplication of an activation's circuit on registers: register 0 is v, product i gives register i
/// + 1. `depth` counts the products that stand one after another, from 1: all of one depth are rescaled
/// alike.
struct Product {
  size_t left = 0;
  size_t right = 0;
  size_t depth = 0;
};

inline constexpr size_t kMinActivationDegree = 2;
inline constexpr size_t kMaxActivationDegree = 7;

/// The products that evaluate a depressed monic polynomial of this degree, the last of them its value: v^2;
/// then r v; r r; (r r) v; (r v)^2; (r v)(r r), each with fewer multiplications than powers of v take (the
/// idea of Paterson and Stockmeyer, 1973). Every linear term is added before a product's rescale, so it costs
/// no level. Throws invalid_argument beyond degrees 2 to 7.
std::span<const Product> activation_products(size_t degree);

/// Products that stand one after another: 1 for degree 2, 2 for 3 and 4, 3 for 5 to 7.
size_t activation_depth(size_t degree);

/// What one product adds to left times right: sum_k linear[k] register_k + constant.
struct ProductTerms {
  std::vector<double> linear;
  double constant = 0;
};

/// For every product of activation_products(activation.degree), with which the last register is
/// activation.at(v).
std::vector<ProductTerms> activation_terms(const FoldedActivation& activation);

/// All registers at v, register 0 included.
std::vector<double> activation_registers(const FoldedActivation& activation, double v);

/// How the last register changes with each register at v, all others that do not depend on it held fixed:
/// what multiplies a small error there.
std::vector<double> activation_sensitivities(const FoldedActivation& activation,
                                             std::span<const double> registers);

}  // namespace cryptotl
