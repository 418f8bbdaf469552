#pragma once

#include <cmath>
#include <random>

#include "cryptotl/network/folding.h"

namespace cryptotl {

/// A network of the paper's shape with normal weights of variance 1/columns and the paper's cubic.
inline FoldedNetwork random_network(size_t inputs, size_t hidden, size_t outputs, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  const auto dense = [&](size_t rows, size_t cols) {
    Dense layer{Matrix(rows, cols), std::vector<double>(rows)};
    const double deviation = 1 / std::sqrt(static_cast<double>(cols));
    for (double& value : layer.weight.values) value = deviation * normal(generator);
    for (double& value : layer.bias) value = deviation * normal(generator);
    return layer;
  };
  const Polynomial cubic{{0.49383, 0.59259, 0.092593, -0.0061728}};
  return fold({inputs, {dense(hidden, inputs), cubic, dense(outputs, hidden)}}).value();
}

inline Matrix uniform_rows(size_t rows, size_t cols, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

}  // namespace cryptotl
