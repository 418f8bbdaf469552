#include "cli/lower_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cryptotl {
namespace {

constexpr size_t kMostCoefficients = 8;  // of degree 7
constexpr size_t kMostFineTuning = 1000;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

template <typename T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

size_t count_of(const std::string& option, const std::string& text, size_t low, size_t high) {
  const auto value = parse<size_t>(text);
  if (!value || *value < low || *value > high) {
    refuse("--" + option + " " + text + ": " + std::to_string(low) + " to " + std::to_string(high) +
           " is right");
  }
  return *value;
}

Layer activation_of(const std::string& text) {
  if (const auto named = activation_named(text)) return *named;
  const std::vector<std::string> parts = split(text);
  Polynomial polynomial;
  for (const std::string& part : parts) {
    const auto value = parse<double>(part);
    if (value && std::isfinite(*value)) polynomial.coefficients.push_back(*value);
  }
  if (polynomial.coefficients.size() != parts.size() || parts.size() < 3 ||
      parts.size() > kMostCoefficients || polynomial.coefficients.back() == 0) {
    refuse("--activation " + text +
           ": cubic, quadratic, relu, tanh, sigmoid, gelu, or 3 to 8 coefficients c0,c1,c2,... of which the "
           "last is not 0 are right");
  }
  return polynomial;
}

/// tanh and sigmoid are odd but for a constant: the quadratic nearest to them is a straight line.
void require_curve(const Layer& function, const std::string& name, const ReplacementOptions& replacement) {
  const Approximation nearest = approximate(function, {-4, 4}, replacement.degree).value();
  if (nearest.polynomial.coefficients.size() > 2 && nearest.polynomial.coefficients.back() != 0) return;
  refuse("--degree " + std::to_string(replacement.degree) + ": the nearest to " + name +
         " is a straight line; 3 to " + std::to_string(kMaxApproximationDegree) + " is right");
}

}  // namespace

void LowerOptions::define(CLI::App& verb) {
  verb.add_option(
      "--hidden", hidden,
      "units of the hidden layer, or of several as 512,256: 1 to 4096 (default: one layer, as wide "
      "as the input)");
  verb.add_option("--features", features,
                  "the network's outputs: 1 to 4096 (default: what the pooling leaves)");
  verb.add_option("--kernel", kernel,
                  "taps of the convolution before the first hidden layer, 0 for none (default: 9)");
  verb.add_option("--pool", pool, "neighbours that the pooling averages, 0 for none (default: 3)");
  verb.add_option(
      "--activation", activation,
      "cubic (the paper's), quadratic (u^2/8 + u/2 + 1/4, faster), a polynomial as its coefficients "
      "c0,c1,c2,... up to degree 7, or relu, tanh, sigmoid or gelu, which training replaces by a "
      "polynomial (default: cubic)");
  verb.add_option("--degree", degree,
                  "of the polynomial that replaces relu, tanh, sigmoid or gelu: 2 to 7 (default: 3)");
  verb.add_option("--fine-tune", fine_tune,
                  "epochs at most after such a replacement, 0 for none (default: 5)");
  verb.add_flag("--train-activation", train_activation,
                "train the activation's coefficients with the weights, one set a layer");
}

void LowerOptions::apply(PretrainingOptions& pretraining) const {
  if (pretraining.network) {
    for (const auto& [option, text] : {std::pair("hidden", &hidden),
                                       {"features", &features},
                                       {"kernel", &kernel},
                                       {"pool", &pool},
                                       {"activation", &activation}}) {
      if (!text->empty()) refuse(std::string("--") + option + " and --network, which brings its own layers");
    }
  }
  LowerShape& shape = pretraining.shape;
  if (!hidden.empty()) {
    shape.hidden.clear();
    for (const std::string& units : split(hidden))
      shape.hidden.push_back(count_of("hidden", units, 1, kMaxLowerWidth));
  }
  if (!features.empty()) shape.features = count_of("features", features, 1, kMaxLowerWidth);
  if (!kernel.empty()) shape.kernel = count_of("kernel", kernel, 0, kMaxLowerWidth);
  if (!pool.empty()) shape.pool = count_of("pool", pool, 0, kMaxLowerWidth);
  if (!activation.empty()) shape.activation = activation_of(activation);
  pretraining.train_activation = train_activation;
  apply_replacement(pretraining);
}

void LowerOptions::apply_replacement(PretrainingOptions& pretraining) const {
  ReplacementOptions& replacement = pretraining.replacement;
  if (!degree.empty()) replacement.degree = count_of("degree", degree, 2, kMaxApproximationDegree);
  if (!fine_tune.empty()) replacement.fine_tune_epochs = count_of("fine-tune", fine_tune, 0, kMostFineTuning);
  const bool replaces = pretraining.network ? std::ranges::any_of(pretraining.network->layers, is_replaceable)
                                            : is_replaceable(pretraining.shape.activation);
  for (const auto& [option, text] : {std::pair("degree", &degree), {"fine-tune", &fine_tune}}) {
    if (!text->empty() && !replaces) {
      refuse(std::string("--") + option +
             " goes with an activation that is replaced: relu, tanh, sigmoid, gelu");
    }
  }
  if (replaces && !pretraining.network) require_curve(pretraining.shape.activation, activation, replacement);
  if (replaces && train_activation && replacement.fine_tune_epochs == 0)
    refuse("--fine-tune 0: --train-activation trains what replaces the activation for at least 1 epoch");
}

void require_shape(const PretrainingOptions& pretraining, size_t input_width) {
  if (pretraining.network) return;
  const Status fits = check_shape(pretraining.shape, input_width);
  if (!fits.ok()) throw Error(fits.error().code(), std::string("--") + fits.error().what());
}

}  // namespace cryptotl
