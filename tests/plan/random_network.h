#pragma once

#include <cmath>
#include <random>

#include "cryptotl/network/folding.h"

namespace cryptotl {

/// A network of these widths (input, hidden layers, output) with normal weights of variance 1/columns and
/// this activation after every hidden layer.
inline FoldedNetwork random_network(const std::vector<size_t>& widths, const Polynomial& activation,
                                    uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  const auto dense = [&](size_t rows, size_t cols) {
    Dense layer{Matrix(rows, cols), std::vector<double>(rows)};
    const double deviation = 1 / std::sqrt(static_cast<double>(cols));
    for (double& value : layer.weight.values) value = deviation * normal(generator);
    for (double& value : layer.bias) value = deviation * normal(generator);
    return layer;
  };
  Network network{widths.front(), {}};
  for (size_t i = 1; i < widths.size(); ++i) {
    if (i > 1) network.layers.push_back(activation);
    network.layers.push_back(dense(widths[i], widths[i - 1]));
  }
  return fold(network).value();
}

/// The same of the paper's shape.
inline FoldedNetwork random_network(size_t inputs, size_t hidden, size_t outputs, uint64_t seed) {
  return random_network({inputs, hidden, outputs}, kPaperCubic, seed);
}

/// An activation of this degree, 2 to 7, whose terms get smaller.
inline Polynomial polynomial_of(size_t degree) {
  Polynomial out{{0.2, 0.6, 0.15, 0.04, -0.02, 0.006, 0.003, -0.002}};
  out.coefficients.resize(degree + 1);
  return out;
}

inline Matrix uniform_rows(size_t rows, size_t cols, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

}  // namespace cryptotl
