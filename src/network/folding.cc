#include "cryptotl/network/folding.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "affine.h"

namespace cryptotl {
namespace {

// Depressing a polynomial may make its terms larger by this factor, no more: what they cancel to is then
// wrong by at most 2^32 rounding errors, or 1e-6.
constexpr double kMaxGrowth = 0x1p32;

Error refusal(const Network& network, size_t layer, const std::string& why) {
  return Error(ErrorCode::invalid_argument, "layer " + std::to_string(layer + 1) + " (" +
                                                std::string(layer_name(network.layers[layer])) + "): " + why);
}

Status check_width(size_t width, const std::string& where) {
  if (width <= kMaxFoldedWidth) return {};
  return Error(ErrorCode::too_large, where + ": a row of " + std::to_string(width) +
                                         " numbers is beyond the limit of " +
                                         std::to_string(kMaxFoldedWidth));
}

Status check_widths(const Network& network) {
  CRYPTOTL_TRY(check_width(network.input_width, "the input"));
  for (size_t i = 0; i < network.layers.size(); ++i) {  // no other layer makes a row wider
    if (const Dense* dense = std::get_if<Dense>(&network.layers[i])) {
      CRYPTOTL_TRY(check_width(dense->weight.rows, "layer " + std::to_string(i + 1) + " (Dense)"));
    }
  }
  return {};
}

// The coefficients up to the last that is not zero; at least c0.
std::span<const double> trimmed(const Polynomial& polynomial) {
  std::span<const double> c = polynomial.coefficients;
  while (c.size() > 1 && c.back() == 0) c = c.first(c.size() - 1);
  return c;
}

bool is_linear(const Layer& layer) {
  if (const auto* polynomial = std::get_if<Polynomial>(&layer)) return trimmed(*polynomial).size() <= 2;
  return std::holds_alternative<Conv1D>(layer) || std::holds_alternative<Dense>(layer) ||
         std::holds_alternative<AveragePool1D>(layer);
}

constexpr const char* kDegrees = "degree 2 to 7";
static_assert(kMaxFoldedDegree == 7);

Status check_activation(const Network& network, size_t layer) {
  const Layer& activation = network.layers[layer];
  if (const auto* polynomial = std::get_if<Polynomial>(&activation)) {
    const size_t degree = trimmed(*polynomial).size() - 1;
    if (degree <= kMaxFoldedDegree) return {};
    return refusal(network, layer,
                   "has degree " + std::to_string(degree) + ", where at most " +
                       std::to_string(kMaxFoldedDegree) + " is right");
  }
  if (std::holds_alternative<Softmax>(activation) || std::holds_alternative<MaxPool1D>(activation)) {
    return refusal(network, layer, "is no polynomial, and none replaces it; the network must end before it");
  }
  return refusal(network, layer,
                 std::string("is no polynomial; replace it by one of ") + kDegrees +
                     " on the range of its inputs (cryptotl import --degree does)");
}

// Where the activations stand.
Result<std::vector<size_t>> find_activations(const Network& network) {
  std::vector<size_t> found;
  for (size_t layer = 0; layer < network.layers.size(); ++layer) {
    if (is_linear(network.layers[layer])) continue;
    CRYPTOTL_TRY(check_activation(network, layer));
    found.push_back(layer);
  }
  if (!found.empty()) return found;
  return Error(ErrorCode::invalid_argument, "the network has " + std::to_string(network.layers.size()) +
                                                " layers and no activation; at least one Polynomial of " +
                                                kDegrees + " is needed");
}

// ---- A stack of linear layers as one map.

Matrix transposed(const Matrix& matrix) {
  Matrix out(matrix.cols, matrix.rows);
  for (size_t row = 0; row < matrix.rows; ++row) {
    for (size_t col = 0; col < matrix.cols; ++col) out(col, row) = matrix(row, col);
  }
  return out;
}

// The layer without what it adds to a row of zeros.
Layer without_constant(Layer layer) {
  if (Dense* dense = std::get_if<Dense>(&layer)) std::ranges::fill(dense->bias, 0.0);
  if (auto* polynomial = std::get_if<Polynomial>(&layer)) polynomial->coefficients[0] = 0;
  return layer;
}

// weight * layer, for a layer that is no Dense and stands before `weight`. All of them are bands, so that
// this costs far less than a product of matrices.
Matrix times_band(Matrix weight, const Conv1D& layer) {
  Matrix out(weight.rows, weight.cols);
  const size_t before = (layer.kernel.size() - 1) / 2;
  for (size_t row = 0; row < weight.rows; ++row) {
    for (size_t i = 0; i < weight.cols; ++i) {
      const size_t first = i < before ? before - i : 0;  // the first tap that stands on the row
      const size_t last = std::min(layer.kernel.size(), weight.cols + before - i);
      for (size_t tap = first; tap < last; ++tap) {
        out(row, i + tap - before) += weight(row, i) * layer.kernel[tap];
      }
    }
  }
  return out;
}
Matrix times_band(Matrix weight, const AveragePool1D& layer) {
  Matrix out(weight.rows, weight.cols + layer.width - 1);
  const double share = 1 / static_cast<double>(layer.width);
  for (size_t row = 0; row < weight.rows; ++row) {
    for (size_t col = 0; col < weight.cols; ++col) {
      for (size_t i = 0; i < layer.width; ++i) out(row, col + i) += share * weight(row, col);
    }
  }
  return out;
}
Matrix times_band(Matrix weight, const Polynomial& layer) {
  for (double& value : weight.values) value *= layer.coefficients[1];
  return weight;
}
template <typename Other>
Matrix times_band(Matrix, const Other&) {
  CRYPTOTL_ASSERT(false);
}

// The weight of the whole stack, from its first Dense outwards (or from the identity, where it has none).
Matrix stack_weight(size_t width, std::span<const Layer> layers) {
  const auto dense =
      std::ranges::find_if(layers, [](const Layer& layer) { return std::holds_alternative<Dense>(layer); });
  Matrix columns(width, width);
  Network rest{width, {}};
  if (dense == layers.end()) {
    for (size_t i = 0; i < width; ++i) columns(i, i) = 1;
    rest.layers.assign(layers.begin(), layers.end());
  } else {
    Matrix weight = std::get<Dense>(*dense).weight;
    for (auto layer = dense; layer != layers.begin();) {
      --layer;
      weight = std::visit([&](const auto& band) { return times_band(std::move(weight), band); }, *layer);
    }
    columns = transposed(weight);
    rest = {columns.cols, {dense + 1, layers.end()}};
  }
  std::ranges::transform(rest.layers, rest.layers.begin(), without_constant);
  return transposed(forward(rest, columns));
}

AffineMap fold_linear(size_t width, std::span<const Layer> layers) {
  const Network stack{width, {layers.begin(), layers.end()}};
  return {stack_weight(width, layers), forward(stack, std::vector<double>(width))};
}

// ---- The activations, and what of them moves into the maps.

// Coefficients of p(h + w) in w: repeated division by (u - h).
std::vector<double> shifted(std::span<const double> c, double h) {
  std::vector<double> out(c.begin(), c.end());
  for (size_t lowest = 0; lowest + 1 < out.size(); ++lowest) {
    for (size_t i = out.size() - 1; i-- > lowest;) out[i] += h * out[i + 1];
  }
  return out;
}

FoldedActivation depress(std::span<const double> c) {
  FoldedActivation out;
  out.degree = c.size() - 1;
  const auto degree = static_cast<double>(out.degree);
  out.sign = c.back() < 0 ? -1 : 1;
  out.inner_scale = out.degree == 2   ? std::sqrt(std::abs(c.back()))
                    : out.degree == 3 ? std::cbrt(std::abs(c.back()))
                                      : std::pow(std::abs(c.back()), 1 / degree);
  out.inner_shift = -c[out.degree - 1] / (degree * c.back());
  const std::vector<double> around = shifted(c, out.inner_shift);
  out.beta = around[0];
  out.coefficients.assign(out.degree - 1, 0.0);
  for (size_t i = 1; i < out.coefficients.size(); ++i) {
    out.coefficients[i] = out.sign * around[i] / std::pow(out.inner_scale, static_cast<double>(i));
  }
  return out;
}

// How much larger the terms of q are at u = 0 than the coefficients of p.
double growth(const FoldedActivation& activation, std::span<const double> c) {
  const double v = std::abs(activation.inner_scale * activation.inner_shift);
  double terms = std::abs(activation.beta) + std::pow(v, static_cast<double>(activation.degree));
  for (size_t i = 1; i < activation.coefficients.size(); ++i) {
    terms += std::abs(activation.coefficients[i]) * std::pow(v, static_cast<double>(i));
  }
  double largest = 0;
  for (const double value : c) largest = std::max(largest, std::abs(value));
  return terms / largest;
}

Result<FoldedActivation> fold_activation(const Network& network, size_t layer) {
  const std::span<const double> c = trimmed(std::get<Polynomial>(network.layers[layer]));
  FoldedActivation out = depress(c);
  if (out.inner_scale > 0 && growth(out, c) <= kMaxGrowth) return out;  // false for a NaN, too
  return refusal(network, layer,
                 "its leading coefficient, of degree " + std::to_string(out.degree) +
                     ", is too small beside the others to be computed with; make it zero");
}

double row_sum(const Matrix& matrix, size_t row) {
  double sum = 0;
  for (const double value : matrix.row(row)) sum += value;
  return sum;
}

void take_inner(AffineMap& before, const FoldedActivation& activation) {
  for (double& value : before.weight.values) value *= activation.inner_scale;
  for (double& value : before.bias) value = activation.inner_scale * (value - activation.inner_shift);
}
void take_outer(AffineMap& after, const FoldedActivation& activation) {
  for (size_t row = 0; row < after.weight.rows; ++row) {
    after.bias[row] += activation.beta * row_sum(after.weight, row);
  }
  for (double& value : after.weight.values) value *= activation.sign;
}

Error misfit(size_t takes, size_t has) {
  return Error(ErrorCode::invalid_argument, "the network takes rows of " + std::to_string(takes) +
                                                " numbers, but the row has " + std::to_string(has));
}

}  // namespace

double FoldedActivation::at(double v) const {
  double sum = v * v + coefficients.back();
  for (size_t i = coefficients.size() - 1; i-- > 0;) sum = sum * v + coefficients[i];
  return sum;
}

Result<FoldedNetwork> fold(const Network& network) {
  if (const auto width = output_width(network); !width) return width.error();
  CRYPTOTL_TRY(check_widths(network));
  const Result<std::vector<size_t>> activations = find_activations(network);
  if (!activations) return activations.error();

  FoldedNetwork folded;
  for (const size_t layer : *activations) {
    auto activation = fold_activation(network, layer);
    if (!activation) return activation.error();
    folded.activations.push_back(*std::move(activation));
  }
  const std::span<const Layer> layers = network.layers;
  size_t width = network.input_width;
  size_t begin = 0;
  for (size_t i = 0; i <= activations->size(); ++i) {
    const size_t end = i < activations->size() ? (*activations)[i] : layers.size();
    AffineMap map = fold_linear(width, layers.subspan(begin, end - begin));
    if (i > 0) take_outer(map, folded.activations[i - 1]);
    if (i < activations->size()) take_inner(map, folded.activations[i]);
    width = map.weight.rows;
    begin = end + 1;
    folded.maps.push_back(std::move(map));
  }
  return folded;
}

FoldedNetwork append(FoldedNetwork network, const Dense& last) {
  AffineMap& map = network.maps.back();
  if (last.weight.cols != map.weight.rows) throw misfit(last.weight.cols, map.weight.rows);
  if (last.bias.size() != last.weight.rows) {
    throw Error(ErrorCode::invalid_argument, "the bias has " + std::to_string(last.bias.size()) +
                                                 " numbers for " + std::to_string(last.weight.rows) +
                                                 " outputs");
  }
  Matrix old_bias(1, map.bias.size());
  old_bias.values = map.bias;
  std::vector<double> bias = affine(last.weight, last.bias, old_bias).values;
  const std::vector<double> none(map.weight.cols);
  map = {affine(transposed(map.weight), none, last.weight), std::move(bias)};
  return network;
}

Matrix forward(const FoldedNetwork& network, const Matrix& rows) {
  if (rows.cols != network.input_width()) throw misfit(network.input_width(), rows.cols);
  Matrix values = affine(network.maps[0].weight, network.maps[0].bias, rows);
  for (size_t i = 0; i < network.activations.size(); ++i) {
    for (double& value : values.values) value = network.activations[i].at(value);
    values = affine(network.maps[i + 1].weight, network.maps[i + 1].bias, values);
  }
  return values;
}

std::vector<double> forward(const FoldedNetwork& network, std::span<const double> row) {
  Matrix one(1, row.size());
  std::ranges::copy(row, one.values.begin());
  return forward(network, one).values;
}

}  // namespace cryptotl
