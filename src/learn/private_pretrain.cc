#include <algorithm>
#include <cmath>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/private_training.h"
#include "random_order.h"
#include "trainer.h"

namespace cryptotl {
namespace {

// Standard deviation of what enters the first activation, over random rows of length 1 that were scaled from
// +-4 deviations to [0, 1]: where the paper's cubic still follows ReLU, and bends.
constexpr double kPreActivation = 0.5;
constexpr double kEntry = 0.125;  // of a number of such a row

/// Rows of random directions: [outputs][inputs], orthonormal rows or, where there are more outputs than
/// inputs, columns; by Gram and Schmidt, twice for the sake of rounding.
Matrix random_rotation(size_t outputs, size_t inputs, Random& random) {
  const bool wide = outputs <= inputs;
  Matrix basis(std::min(outputs, inputs), std::max(outputs, inputs));
  for (size_t r = 0; r < basis.rows; ++r) {
    const auto row = basis.row(r);
    // Sums of uniform numbers: hardly less round than Gaussian ones.
    for (double& value : row) {
      value = 0;
      for (int i = 0; i < 4; ++i) value += uniform(random, -1, 1);
    }
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t other = 0; other < r; ++other) {
        const auto before = basis.row(other);
        double product = 0;
        for (size_t c = 0; c < row.size(); ++c) product += row[c] * before[c];
        for (size_t c = 0; c < row.size(); ++c) row[c] -= product * before[c];
      }
      double square = 0;
      for (const double value : row) square += value * value;
      for (double& value : row) value /= std::sqrt(square);
    }
  }
  if (wide) return basis;
  Matrix out(outputs, inputs);
  for (size_t r = 0; r < outputs; ++r) {
    for (size_t c = 0; c < inputs; ++c) out(r, c) = basis(c, r);
  }
  return out;
}

/// Rows less 1/2 in the place of rows: the first Dense's bias takes what that changes.
Network shifted(Network network, double by) {
  Network prefix{network.input_width, {}};
  for (Layer& layer : network.layers) {
    prefix.layers.push_back(layer);
    if (auto* dense = std::get_if<Dense>(&layer)) {
      const std::vector<double> at_zero = forward(prefix, std::vector<double>(network.input_width));
      const std::vector<double> there = forward(prefix, std::vector<double>(network.input_width, by));
      for (size_t i = 0; i < at_zero.size(); ++i) dense->bias[i] += there[i] - at_zero[i];
      return network;
    }
    // Pooling keeps a constant row constant, a convolution does not at its ends: only what is linear may
    // stand before the bias.
    if (!std::holds_alternative<Conv1D>(layer) && !std::holds_alternative<AveragePool1D>(layer)) break;
  }
  throw Error(ErrorCode::invalid_argument,
              "privacy: a network begins with Conv1D or AveragePool1D, or "
              "nothing, and a Dense");
}

}  // namespace

Network private_start(size_t input_width, const LowerShape& shape) {
  Network start = lower_network(input_width, shape, 0);
  Random random(0);
  double gain = kPreActivation / kEntry;
  for (Layer& layer : start.layers) {
    if (auto* convolution = std::get_if<Conv1D>(&layer)) {
      std::ranges::fill(convolution->kernel, 0);
      convolution->kernel[(convolution->kernel.size() - 1) / 2] = 1;
    } else if (auto* dense = std::get_if<Dense>(&layer)) {
      dense->weight = random_rotation(dense->weight.rows, dense->weight.cols, random);
      for (double& value : dense->weight.values) value *= gain;
      std::ranges::fill(dense->bias, 0);
      gain = 1;
    } else if (auto* polynomial = std::get_if<Polynomial>(&layer)) {
      // Values around 0 leave gradients to what tells rows apart; the next bias can bring it back.
      polynomial->coefficients.front() = 0;
    }
  }
  return shifted(std::move(start), -0.5);
}

PrivatelyPretrained pretrain_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                                       const PrivacyOptions& options, const ProgressFunction& progress) {
  const size_t classes = class_counts(labels).size();
  if (classes < 2) throw Error(ErrorCode::invalid_argument, "privacy: labels of one class");
  Network whole = shifted(start, 0.5);
  const size_t outputs = classes == 2 ? 1 : classes;
  whole.layers.emplace_back(
      Dense{Matrix(outputs, output_width(start).value()), std::vector<double>(outputs)});
  Matrix centred = rows;
  for (double& value : centred.values) value -= 0.5;
  PrivatelyTrained trained = train_privately(whole, centred, labels, options, progress);
  PrivatelyPretrained out;
  out.output_layer = std::get<Dense>(trained.network.layers.back());
  trained.network.layers.pop_back();
  out.lower = shifted(std::move(trained.network), -0.5);
  out.spent = trained.spent;
  return out;
}

}  // namespace cryptotl
