#include "cryptotl/network/approximation.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "activation.h"
#include "remez.h"

namespace cryptotl {
namespace {

Error refusal(const std::string& why) { return Error(ErrorCode::invalid_argument, why); }

std::string text_of(Interval interval) {
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return std::string(text);
  };
  return "[" + number(interval.low) + ", " + number(interval.high) + "]";
}

Status check(Interval interval, size_t degree) {
  if (degree < 1 || degree > kMaxApproximationDegree) {
    return refusal("a polynomial of degree " + std::to_string(degree) + ", where 1 to " +
                   std::to_string(kMaxApproximationDegree) + " is right");
  }
  const double width = interval.high - interval.low;
  if (!std::isfinite(width) || !(width > 0)) {
    return refusal("the range " + text_of(interval) + " is empty or not finite");
  }
  if (width > kMaxApproximationWidth) {
    return refusal("the range " + text_of(interval) + " is wider than " +
                   std::to_string(static_cast<size_t>(kMaxApproximationWidth)) + "; scale the network down");
  }
  if (width < 1e-6 * std::max(std::abs(interval.low), std::abs(interval.high))) {
    return refusal("the range " + text_of(interval) + " is too narrow for numbers of its size");
  }
  return {};
}

bool is_finite_on(const std::function<double(double)>& function, Interval interval) {
  constexpr int kSamples = 256;
  for (int i = 0; i <= kSamples; ++i) {
    const double share = static_cast<double>(i) / kSamples;
    if (!std::isfinite(function((1 - share) * interval.low + share * interval.high))) return false;
  }
  return true;
}

std::optional<std::function<double(double)>> function_of(const Layer& layer) {
  return std::visit(
      [](const auto& kind) -> std::optional<std::function<double(double)>> {
        if constexpr (requires { value(kind, 0.0); }) {
          return [kind](double u) { return value(kind, u); };
        } else {
          return std::nullopt;
        }
      },
      layer);
}

size_t degree_of(const Polynomial& polynomial) {
  size_t degree = polynomial.coefficients.size() - 1;
  while (degree > 0 && polynomial.coefficients[degree] == 0) --degree;
  return degree;
}

/// Replaces one layer and notes it.
Status replace(Replacement& out, size_t layer, Interval interval, size_t degree) {
  Layer& activation = out.network.layers[layer];
  const std::string name(layer_name(activation));
  const auto found = approximate(activation, interval, degree);
  if (!found.ok()) {
    return Error(found.error().code(),
                 "layer " + std::to_string(layer + 1) + " (" + name + "): " + found.error().what());
  }
  activation = found->polynomial;
  out.activations.push_back({layer, name, interval, degree_of(found->polynomial), found->max_error});
  return {};
}

/// What the layers before this one make of the rows, widened.
Interval interval_before(const Network& network, size_t layer, const Matrix& rows, double margin) {
  const Network part{network.input_width,
                     {network.layers.begin(), network.layers.begin() + static_cast<std::ptrdiff_t>(layer)}};
  const Matrix values = forward(part, rows);
  const auto [low, high] = std::ranges::minmax(values.values);
  // A single number, as from a unit without inputs, is widened too.
  const double length = high > low ? high - low : std::max(1.0, std::abs(low));
  return {low - margin * length, high + margin * length};
}

}  // namespace

Result<Approximation> minimax(const std::function<double(double)>& function, Interval interval,
                              size_t degree) {
  // A degree has to earn its multiplications.
  constexpr double kWorthwhile = 1.1;
  constexpr double kRounding = 1e-14;
  CRYPTOTL_TRY(check(interval, degree));
  if (!is_finite_on(function, interval)) {
    return refusal("the function is not finite on the range " + text_of(interval));
  }
  Approximation best = remez(function, interval, degree);
  const double scale = std::max(std::abs(function(interval.low)), std::abs(function(interval.high)));
  while (degree > 0) {
    Approximation lower = remez(function, interval, degree - 1);
    if (lower.max_error > kWorthwhile * best.max_error && lower.max_error > kRounding * scale) break;
    best = std::move(lower);
    --degree;
  }
  return best;
}

bool is_replaceable(const Layer& layer) { return function_of(layer).has_value(); }

Result<Approximation> approximate(const Layer& activation, Interval interval, size_t degree) {
  const auto function = function_of(activation);
  if (function) return minimax(*function, interval, degree);
  return refusal(std::string(layer_name(activation)) +
                 " is not replaced by a polynomial; Relu, Sigmoid, Tanh and Gelu are");
}

Result<Replacement> replace_activations(const Network& network, std::span<const Interval> intervals,
                                        size_t degree) {
  const auto count = static_cast<size_t>(std::ranges::count_if(network.layers, is_replaceable));
  if (count != intervals.size()) {
    return refusal("the network has " + std::to_string(count) + " activations to replace, but " +
                   std::to_string(intervals.size()) + " ranges are given");
  }
  Replacement out{network, {}};
  for (size_t layer = 0; layer < network.layers.size(); ++layer) {
    if (!is_replaceable(network.layers[layer])) continue;
    CRYPTOTL_TRY(replace(out, layer, intervals[out.activations.size()], degree));
  }
  return out;
}

Result<Replacement> replace_activations(const Network& network, const Matrix& rows, size_t degree,
                                        double margin) {
  if (rows.rows == 0) return refusal("the range of an activation cannot be recorded without rows");
  Replacement out{network, {}};
  for (size_t layer = 0; layer < network.layers.size(); ++layer) {
    if (!is_replaceable(network.layers[layer])) continue;
    CRYPTOTL_TRY(replace(out, layer, interval_before(out.network, layer, rows, margin), degree));
  }
  return out;
}

}  // namespace cryptotl
