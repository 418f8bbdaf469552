#include "cryptotl/network/network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "activation.h"
#include "affine.h"

namespace cryptotl {
namespace {

// ---- What each layer makes of a width: the width of its answer, or why it does not fit.

using Fit = Result<size_t>;

Error misfit(const std::string& why) { return Error(ErrorCode::invalid_argument, why); }

bool all_finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

Fit fit(const Conv1D& layer, size_t width) {
  if (layer.kernel.empty()) return misfit("the kernel is empty");
  if (layer.kernel.size() > kMaxNetworkWidth) {
    return misfit("a kernel of " + std::to_string(layer.kernel.size()) + " taps, where at most " +
                  std::to_string(kMaxNetworkWidth) + " are allowed");
  }
  if (!all_finite(layer.kernel)) return misfit("the kernel has a number that is not finite");
  return width;
}

Fit fit(const Dense& layer, size_t width) {
  const Matrix& weight = layer.weight;
  const std::string shape = "[" + std::to_string(weight.rows) + "][" + std::to_string(weight.cols) + "]";
  if (weight.cols != width) {
    return misfit("weight " + shape + " takes rows of " + std::to_string(weight.cols) + ", but the row has " +
                  std::to_string(width));
  }
  if (weight.rows == 0 || weight.rows > kMaxNetworkWidth) {
    return misfit("weight " + shape + " has " + std::to_string(weight.rows) + " outputs, where 1 to " +
                  std::to_string(kMaxNetworkWidth) + " are allowed");
  }
  if (weight.values.size() != weight.rows * weight.cols) {
    return misfit("weight " + shape + " holds " + std::to_string(weight.values.size()) + " numbers");
  }
  if (layer.bias.size() != weight.rows) {
    return misfit("the bias has " + std::to_string(layer.bias.size()) + " numbers for " +
                  std::to_string(weight.rows) + " outputs");
  }
  if (!all_finite(weight.values)) return misfit("the weight has a number that is not finite");
  if (!all_finite(layer.bias)) return misfit("the bias has a number that is not finite");
  return weight.rows;
}

Fit fit(const Polynomial& layer, size_t width) {
  if (layer.coefficients.size() < 2) {
    return misfit("a polynomial needs c0 and c1 at least, but has " +
                  std::to_string(layer.coefficients.size()) + " coefficients");
  }
  if (!all_finite(layer.coefficients)) return misfit("a coefficient is not finite");
  return width;
}

Fit fit_window(size_t window, size_t width) {
  if (window == 0 || window > width) {
    return misfit("a window of " + std::to_string(window) + " does not fit a row of " +
                  std::to_string(width));
  }
  return width - window + 1;
}

Fit fit(const AveragePool1D& layer, size_t width) { return fit_window(layer.width, width); }
Fit fit(const MaxPool1D& layer, size_t width) { return fit_window(layer.width, width); }
Fit fit(const Relu&, size_t width) { return width; }
Fit fit(const Sigmoid&, size_t width) { return width; }
Fit fit(const Softmax&, size_t width) { return width; }
Fit fit(const Tanh&, size_t width) { return width; }
Fit fit(const Gelu&, size_t width) { return width; }

// ---- What each layer makes of rows that fit it.

void convolve(std::span<const double> kernel, std::span<const double> in, std::span<double> out) {
  const size_t before = (kernel.size() - 1) / 2;
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t first = i < before ? before - i : 0;  // the first tap that stands on the row
    const size_t last = std::min(kernel.size(), in.size() + before - i);
    double sum = 0;
    for (size_t tap = first; tap < last; ++tap) sum += kernel[tap] * in[i + tap - before];
    out[i] = sum;
  }
}

Matrix apply(const Conv1D& layer, Matrix rows) {
  Matrix answers(rows.rows, rows.cols);
  for (size_t row = 0; row < rows.rows; ++row) {
    convolve(layer.kernel, std::as_const(rows).row(row), answers.row(row));
  }
  return answers;
}

Matrix apply(const Dense& layer, Matrix rows) { return affine(layer.weight, layer.bias, rows); }

Matrix apply(const Polynomial& layer, Matrix rows) {
  for (double& u : rows.values) {
    double sum = layer.coefficients.back();
    for (size_t i = layer.coefficients.size() - 1; i-- > 0;) sum = sum * u + layer.coefficients[i];
    u = sum;
  }
  return rows;
}

// Merges the `width` neighbours of every element by `merge`, a function of a span.
template <typename Merge>
Matrix pool(size_t width, const Matrix& rows, const Merge& merge) {
  Matrix answers(rows.rows, rows.cols - width + 1);
  for (size_t row = 0; row < rows.rows; ++row) {
    for (size_t i = 0; i < answers.cols; ++i) answers(row, i) = merge(rows.row(row).subspan(i, width));
  }
  return answers;
}

Matrix apply(const AveragePool1D& layer, Matrix rows) {
  return pool(layer.width, rows, [](std::span<const double> window) {
    double sum = 0;
    for (const double value : window) sum += value;
    return sum / static_cast<double>(window.size());
  });
}

Matrix apply(const MaxPool1D& layer, Matrix rows) {
  return pool(layer.width, rows, [](std::span<const double> window) { return std::ranges::max(window); });
}

template <typename Activation>
requires requires(const Activation& activation) { value(activation, 0.0); }
Matrix apply(const Activation& activation, Matrix rows) {
  for (double& u : rows.values) u = value(activation, u);
  return rows;
}

Matrix apply(const Softmax&, Matrix rows) {
  for (size_t index = 0; index < rows.rows; ++index) {
    const std::span<double> row = rows.row(index);
    const double largest = std::ranges::max(row);  // so that no exponential overflows
    double sum = 0;
    for (double& value : row) sum += value = std::exp(value - largest);
    for (double& value : row) value /= sum;
  }
  return rows;
}

void check(const Network& network, size_t row_width) {
  output_width(network).value();
  if (row_width != network.input_width) {
    throw Error(ErrorCode::invalid_argument, "the network takes rows of " +
                                                 std::to_string(network.input_width) +
                                                 " numbers, but the row has " + std::to_string(row_width));
  }
}

}  // namespace

std::string_view layer_name(const Layer& layer) {
  constexpr std::array<std::string_view, std::variant_size_v<Layer>> kNames = {
      "Conv1D", "Dense",   "Polynomial", "AveragePool1D", "MaxPool1D",
      "Relu",   "Sigmoid", "Softmax",    "Tanh",          "Gelu"};
  return kNames[layer.index()];
}

Result<size_t> output_width(const Network& network) {
  if (network.input_width == 0 || network.input_width > kMaxNetworkWidth) {
    return misfit("a network takes rows of 1 to " + std::to_string(kMaxNetworkWidth) + " numbers, not of " +
                  std::to_string(network.input_width));
  }
  size_t width = network.input_width;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const Fit next = std::visit([width](const auto& kind) { return fit(kind, width); }, layer);
    if (!next) {
      return misfit("layer " + std::to_string(i + 1) + " (" + std::string(layer_name(layer)) +
                    "): " + next.error().what());
    }
    width = *next;
  }
  return width;
}

Matrix forward(const Network& network, const Matrix& rows) {
  check(network, rows.cols);
  Matrix values = rows;
  for (const Layer& layer : network.layers) {
    values = std::visit([&values](const auto& kind) { return apply(kind, std::move(values)); }, layer);
  }
  return values;
}

std::vector<double> forward(const Network& network, std::span<const double> row) {
  Matrix one(1, row.size());
  std::ranges::copy(row, one.values.begin());
  return forward(network, one).values;
}

}  // namespace cryptotl
