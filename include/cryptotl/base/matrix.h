#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cryptotl {

/// Double-precision numbers [rows][cols], row-major.
struct Matrix {
  size_t rows = 0;
  size_t cols = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(size_t row_count, size_t col_count)
      : rows(row_count), cols(col_count), values(row_count * col_count) {}

  double& operator()(size_t row, size_t col) { return values[row * cols + col]; }
  double operator()(size_t row, size_t col) const { return values[row * cols + col]; }
  std::span<double> row(size_t index) { return std::span(values).subspan(index * cols, cols); }
  std::span<const double> row(size_t index) const { return std::span(values).subspan(index * cols, cols); }
};

/// The rows of `matrix` that `indices` names, in that order.
Matrix take_rows(const Matrix& matrix, std::span<const size_t> indices);

}  // namespace cryptotl
