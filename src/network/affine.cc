#include "affine.h"

#include <algorithm>
#include <array>

namespace cryptotl {
namespace {

constexpr size_t kRows = 8;     // of the input, side by side in vector lanes: no sum is reordered
constexpr size_t kOutputs = 4;  // sums at a time, each of kRows rows

using Lanes = std::array<double, kRows>;

// `count` rows from `first` on, transposed to [column][lane]; lanes without a row are zero.
void gather_lanes(const Matrix& rows, size_t first, size_t count, std::vector<Lanes>& lanes) {
  for (size_t lane = 0; lane < kRows; ++lane) {
    for (size_t col = 0; col < rows.cols; ++col) {
      lanes[col][lane] = lane < count ? rows(first + lane, col) : 0;
    }
  }
}

template <size_t Outputs>
std::array<Lanes, Outputs> products(const Matrix& weight, size_t first, const std::vector<Lanes>& lanes) {
  std::array<Lanes, Outputs> sums{};
  const double* const row = &weight.values[first * weight.cols];
  for (size_t col = 0; col < weight.cols; ++col) {
    const Lanes& x = lanes[col];
    for (size_t out = 0; out < Outputs; ++out) {
      const double factor = row[out * weight.cols + col];
      for (size_t lane = 0; lane < kRows; ++lane) sums[out][lane] += factor * x[lane];
    }
  }
  return sums;
}

template <size_t Outputs>
void add_outputs(const Matrix& weight, std::span<const double> bias, size_t output,
                 const std::vector<Lanes>& lanes, size_t first, size_t count, Matrix& answers) {
  const auto sums = products<Outputs>(weight, output, lanes);
  for (size_t out = 0; out < Outputs; ++out) {
    for (size_t lane = 0; lane < count; ++lane) {
      answers(first + lane, output + out) = sums[out][lane] + bias[output + out];
    }
  }
}

}  // namespace

Matrix affine(const Matrix& weight, std::span<const double> bias, const Matrix& rows) {
  Matrix answers(rows.rows, weight.rows);
  std::vector<Lanes> lanes(rows.cols);
  for (size_t first = 0; first < rows.rows; first += kRows) {
    const size_t count = std::min(kRows, rows.rows - first);
    gather_lanes(rows, first, count, lanes);
    size_t output = 0;
    for (; output + kOutputs <= weight.rows; output += kOutputs) {
      add_outputs<kOutputs>(weight, bias, output, lanes, first, count, answers);
    }
    for (; output < weight.rows; ++output) add_outputs<1>(weight, bias, output, lanes, first, count, answers);
  }
  return answers;
}

}  // namespace cryptotl
