#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

struct Clusters {
  Matrix rows;
  std::vector<int> labels;
};

/// Rows in [0, 1] around 1/2, class by class in turn, each class shifted along `direction`.
inline Clusters clusters(size_t rows, size_t columns, size_t classes, double shift, uint64_t seed,
                         size_t direction = 0) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal(0, 0.1);
  Clusters made{Matrix(rows, columns), std::vector<int>(rows)};
  for (size_t r = 0; r < rows; ++r) {
    made.labels[r] = static_cast<int>(r % classes);
    for (size_t c = 0; c < columns; ++c) {
      const bool moves = (c + direction) % classes == r % classes;
      made.rows(r, c) = std::clamp(0.5 + normal(engine) + (moves ? shift : 0), 0.0, 1.0);
    }
  }
  return made;
}

}  // namespace cryptotl
