#include "cryptotl/network/folding.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "affine.h"

namespace cryptotl {
namespace {

Error refusal(const Network& network, size_t layer, const std::string& why) {
  return Error(ErrorCode::invalid_argument, "layer " + std::to_string(layer + 1) + " (" +
                                                std::string(layer_name(network.layers[layer])) + "): " + why);
}

bool is_linear(const Layer& layer) {
  return std::holds_alternative<Conv1D>(layer) || std::holds_alternative<Dense>(layer) ||
         std::holds_alternative<AveragePool1D>(layer);
}

Status check_width(size_t width, const std::string& where) {
  if (width <= kMaxFoldedWidth) return {};
  return Error(ErrorCode::too_large, where + ": a row of " + std::to_string(width) +
                                         " numbers is beyond the " + std::to_string(kMaxFoldedWidth) +
                                         " that are folded");
}

Status check_widths(const Network& network) {
  CRYPTOTL_TRY(check_width(network.input_width, "the input"));
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (const Dense* dense = std::get_if<Dense>(&network.layers[i])) {
      CRYPTOTL_TRY(check_width(dense->weight.rows, "layer " + std::to_string(i + 1) + " (Dense)"));
    }
  }
  return {};
}

Status check_cubic(const Network& network, size_t layer) {
  const auto* polynomial = std::get_if<Polynomial>(&network.layers[layer]);
  if (polynomial == nullptr) {
    return refusal(network, layer, "is no polynomial; the one activation must be a cubic Polynomial");
  }
  const size_t degree = polynomial->coefficients.size() - 1;
  if (degree != 3) {
    return refusal(network, layer,
                   "has degree " + std::to_string(degree) + "; the one activation must have degree 3");
  }
  if (polynomial->coefficients[3] == 0) {
    return refusal(network, layer, "its cubic coefficient is zero; the one activation must have degree 3");
  }
  return {};
}

// The index of the one activation, which is a cubic.
Result<size_t> find_cubic(const Network& network) {
  const auto& layers = network.layers;
  const auto found = std::ranges::find_if_not(layers, is_linear);
  if (found == layers.end()) {
    return Error(ErrorCode::invalid_argument,
                 "the network has " + std::to_string(layers.size()) +
                     " layers and no activation; one cubic Polynomial is needed");
  }
  const auto cubic = static_cast<size_t>(found - layers.begin());
  CRYPTOTL_TRY(check_cubic(network, cubic));
  const auto second = std::find_if_not(found + 1, layers.end(), is_linear);
  if (second != layers.end()) {
    return refusal(network, static_cast<size_t>(second - layers.begin()),
                   "is a second activation; layer " + std::to_string(cubic + 1) + " must be the only one");
  }
  return cubic;
}

// A stack of linear layers as one map. Its weight is what the layers without their biases make of the unit
// vectors, its bias what they make of zero: no layer needs a matrix form of its own.
AffineMap fold_linear(size_t width, std::span<const Layer> layers) {
  Network stack{width, {layers.begin(), layers.end()}};
  AffineMap map;
  map.bias = forward(stack, std::vector<double>(width));

  for (Layer& layer : stack.layers) {
    if (Dense* dense = std::get_if<Dense>(&layer)) std::ranges::fill(dense->bias, 0.0);
  }
  Matrix unit(width, width);
  for (size_t i = 0; i < width; ++i) unit(i, i) = 1;
  const Matrix columns = forward(stack, unit);
  map.weight = Matrix(columns.cols, width);
  for (size_t row = 0; row < map.weight.rows; ++row) {
    for (size_t col = 0; col < width; ++col) map.weight(row, col) = columns(col, row);
  }
  return map;
}

double row_sum(const Matrix& matrix, size_t row) {
  double sum = 0;
  for (const double value : matrix.row(row)) sum += value;
  return sum;
}

// Moves the constants of p(u) = sign (v^3 + alpha v) + beta, v = k (u - h), into both maps.
FoldedNetwork depress(AffineMap before, std::span<const double> c, AffineMap after) {
  FoldedNetwork folded;
  const double k = std::cbrt(std::abs(c[3]));
  const double h = -c[2] / (3 * c[3]);
  folded.inner_scale = k;
  folded.inner_shift = h;
  folded.sign = c[3] < 0 ? -1 : 1;
  folded.alpha = folded.sign * (c[1] + c[2] * h) / k;  // c2 h = -c2^2 / (3 c3)
  folded.beta = ((c[3] * h + c[2]) * h + c[1]) * h + c[0];

  for (double& value : before.weight.values) value *= k;
  for (double& value : before.bias) value = k * (value - h);
  for (size_t row = 0; row < after.weight.rows; ++row)
    after.bias[row] += folded.beta * row_sum(after.weight, row);
  for (double& value : after.weight.values) value *= folded.sign;
  folded.first = std::move(before);
  folded.second = std::move(after);
  return folded;
}

}  // namespace

Result<FoldedNetwork> fold(const Network& network) {
  if (const auto width = output_width(network); !width) return width.error();
  CRYPTOTL_TRY(check_widths(network));
  const Result<size_t> cubic = find_cubic(network);
  if (!cubic) return cubic.error();

  const std::span<const Layer> layers = network.layers;
  const auto& coefficients = std::get<Polynomial>(layers[*cubic]).coefficients;
  AffineMap before = fold_linear(network.input_width, layers.first(*cubic));
  AffineMap after = fold_linear(before.weight.rows, layers.subspan(*cubic + 1));
  return depress(std::move(before), coefficients, std::move(after));
}

Matrix forward(const FoldedNetwork& network, const Matrix& rows) {
  if (rows.cols != network.first.weight.cols) {
    throw Error(ErrorCode::invalid_argument, "the network takes rows of " +
                                                 std::to_string(network.first.weight.cols) +
                                                 " numbers, but the row has " + std::to_string(rows.cols));
  }
  Matrix v = affine(network.first.weight, network.first.bias, rows);
  for (double& value : v.values) value *= value * value + network.alpha;
  return affine(network.second.weight, network.second.bias, v);
}

std::vector<double> forward(const FoldedNetwork& network, std::span<const double> row) {
  Matrix one(1, row.size());
  std::ranges::copy(row, one.values.begin());
  return forward(network, one).values;
}

}  // namespace cryptotl
