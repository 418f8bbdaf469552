#include "cryptotl/learn/lower_shape.h"

#include <cmath>
#include <string>

#include "paper_network.h"
#include "random_order.h"
#include "refusal.h"

namespace cryptotl {
namespace {

std::string range_text(size_t low, size_t high) {
  return std::to_string(low) + " to " + std::to_string(high);
}

size_t last_hidden(const LowerShape& shape, size_t input_width) {
  return shape.hidden.empty() ? input_width : shape.hidden.back();
}

Conv1D random_convolution(size_t taps, Random& random) {
  Conv1D convolution{std::vector<double>(taps)};
  const double bound = 1 / std::sqrt(static_cast<double>(taps));
  for (double& tap : convolution.kernel) tap = uniform(random, -bound, bound);
  return convolution;
}

}  // namespace

Status check_shape(const LowerShape& shape, size_t input_width) {
  for (const size_t units : shape.hidden) {
    if (units == 0 || units > kMaxLowerWidth) {
      return refusal("hidden " + std::to_string(units) + ": a hidden layer has " +
                     range_text(1, kMaxLowerWidth) + " units");
    }
  }
  if (shape.features > kMaxLowerWidth) {
    return refusal("features " + std::to_string(shape.features) + ": " + range_text(1, kMaxLowerWidth) +
                   " are possible");
  }
  if (shape.kernel > kMaxLowerWidth) {
    return refusal("kernel " + std::to_string(shape.kernel) + ": " + range_text(0, kMaxLowerWidth) +
                   " taps are possible");
  }
  const size_t units = last_hidden(shape, input_width);
  if (shape.pool > units) {
    return refusal("pool " + std::to_string(shape.pool) + ": the hidden layer before it needs at least " +
                   std::to_string(shape.pool) + " units and has " + std::to_string(units));
  }
  return {};
}

Network lower_network(size_t input_width, const LowerShape& shape, uint64_t seed) {
  check_shape(shape, input_width).value();
  Random random(seed);
  Network network{input_width, {}};
  if (shape.kernel > 1) network.layers.emplace_back(random_convolution(shape.kernel, random));
  size_t width = input_width;
  for (const size_t units : shape.hidden.empty() ? std::vector{input_width} : shape.hidden) {
    network.layers.emplace_back(random_dense(units, width, random()));
    network.layers.push_back(shape.activation);
    width = units;
  }
  if (shape.pool > 1) {
    network.layers.emplace_back(AveragePool1D{shape.pool});
    width -= shape.pool - 1;
  }
  network.layers.emplace_back(random_dense(shape.features == 0 ? width : shape.features, width, random()));
  return network;
}

Network paper_lower(size_t input_width, uint64_t seed, const Layer& activation) {
  LowerShape shape;
  shape.activation = activation;
  return lower_network(input_width, shape, seed);
}

std::optional<Layer> activation_named(std::string_view name) {
  if (name == "cubic") return kPaperCubic;
  if (name == "quadratic") return kReluQuadratic;
  if (name == "relu") return Relu{};
  if (name == "tanh") return Tanh{};
  if (name == "sigmoid") return Sigmoid{};
  if (name == "gelu") return Gelu{};
  return {};
}

}  // namespace cryptotl
