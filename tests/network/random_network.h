#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "cryptotl/network/network.h"

namespace cryptotl::samples {

/// The number of cases of a property test: 200, or CRYPTOTL_PROPERTY_CASES.
inline int property_cases() {
  const char* wanted = std::getenv("CRYPTOTL_PROPERTY_CASES");
  return wanted == nullptr ? 200 : std::max(1, std::atoi(wanted));
}

/// Random networks from one seed.
class NetworkMaker {
 public:
  explicit NetworkMaker(uint64_t seed) : random_(seed) {}

  size_t between(size_t low, size_t high) {
    return std::uniform_int_distribution<size_t>(low, high)(random_);
  }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }

  std::vector<double> numbers(size_t count, double variance = 1) {
    std::normal_distribution<double> normal(0, std::sqrt(variance));
    std::vector<double> out(count);
    for (double& value : out) value = normal(random_);
    return out;
  }
  Matrix rows(size_t count, size_t width) {
    Matrix out(count, width);
    for (double& value : out.values) value = real(0, 1);
    return out;
  }

  Conv1D conv(size_t taps) { return {numbers(taps, 1.0 / static_cast<double>(taps))}; }
  Dense dense(size_t in, size_t out) {
    Dense layer{Matrix(out, in), numbers(out, 0.1)};
    layer.weight.values = numbers(in * out, 1.0 / static_cast<double>(in));
    return layer;
  }
  /// The leading coefficient is a quarter of the others at least, so that depressing it cancels little.
  Polynomial polynomial(size_t degree) {
    Polynomial out;
    for (size_t i = 0; i < degree; ++i) out.coefficients.push_back(real(-1, 1));
    out.coefficients.push_back(real(0.25, 1) * (between(0, 1) == 0 ? 1 : -1));
    return out;
  }
  Polynomial cubic() { return polynomial(3); }

  Layer linear(size_t width) {
    switch (between(0, 3)) {
      case 0:
        return conv(between(1, width + 3));
      case 1:
        return AveragePool1D{between(1, width)};
      case 2:
        return Polynomial{numbers(2)};
      default:
        return dense(width, between(1, 40));
    }
  }
  Layer any(size_t width) {
    switch (between(0, 9)) {
      case 0:
        return Polynomial{numbers(between(2, 6))};
      case 1:
        return MaxPool1D{between(1, width)};
      case 2:
        return Relu{};
      case 3:
        return Sigmoid{};
      case 4:
        return Softmax{};
      case 5:
        return Tanh{};
      case 6:
        return Gelu{};
      default:
        return linear(width);
    }
  }

  /// One to three activations of degree 2 to 7, with up to three linear layers before, between and after.
  Network foldable() {
    Network network{between(1, 40), {}};
    const size_t activations = between(1, 3);
    for (size_t i = 0; i <= activations; ++i) {
      if (i > 0) network.layers.emplace_back(polynomial(between(2, 7)));
      for (size_t count = between(0, 3); count > 0; --count) {
        network.layers.push_back(linear(output_width(network).value()));
      }
    }
    return network;
  }
  /// Up to six layers of every kind.
  Network any_network() {
    Network network{between(1, 40), {}};
    const size_t count = between(0, 6);
    for (size_t i = 0; i < count; ++i) network.layers.push_back(any(output_width(network).value()));
    return network;
  }

 private:
  std::mt19937_64 random_;
};

/// The paper's lower network with random weights.
inline Network paper_network(uint64_t seed) {
  NetworkMaker make(seed);
  return {768, {make.conv(9), make.dense(768, 768), kPaperCubic, AveragePool1D{3}, make.dense(766, 766)}};
}

inline std::string text_of(const Network& network) {
  std::string text = std::to_string(network.input_width);
  for (const Layer& layer : network.layers) text += " " + std::string(layer_name(layer));
  return text;
}

/// The same layers with the same numbers, to the last bit (but 0 is -0).
inline bool same(const Network& a, const Network& b) {
  const auto same_layer = [](const Layer& one, const Layer& other) {
    if (one.index() != other.index()) return false;
    if (const auto* conv = std::get_if<Conv1D>(&one)) return conv->kernel == std::get<Conv1D>(other).kernel;
    if (const auto* dense = std::get_if<Dense>(&one)) {
      const auto& twin = std::get<Dense>(other);
      return dense->weight.rows == twin.weight.rows && dense->weight.cols == twin.weight.cols &&
             dense->weight.values == twin.weight.values && dense->bias == twin.bias;
    }
    if (const auto* polynomial = std::get_if<Polynomial>(&one)) {
      return polynomial->coefficients == std::get<Polynomial>(other).coefficients;
    }
    if (const auto* pool = std::get_if<AveragePool1D>(&one))
      return pool->width == std::get<AveragePool1D>(other).width;
    if (const auto* pool = std::get_if<MaxPool1D>(&one))
      return pool->width == std::get<MaxPool1D>(other).width;
    return true;
  };
  return a.input_width == b.input_width && std::ranges::equal(a.layers, b.layers, same_layer);
}

/// The largest difference, as a part of the largest number of `wanted` (or of 1, if that is larger).
inline double relative_error(const Matrix& got, const Matrix& wanted) {
  double scale = 1;
  double error = got.rows == wanted.rows && got.cols == wanted.cols ? 0 : INFINITY;
  for (size_t i = 0; i < wanted.values.size() && error < INFINITY; ++i) {
    scale = std::max(scale, std::abs(wanted.values[i]));
    error = std::max(error, std::abs(got.values[i] - wanted.values[i]));
  }
  return error / scale;
}

}  // namespace cryptotl::samples
