#include "cryptotl/plan/calibration.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/packing.h"
#include "rings.h"

namespace cryptotl {
namespace {

constexpr size_t kGainRows = 8;  // a row's gains take as many operations as 5 to 20 forward passes
constexpr size_t kSlotRows = 8;  // a sample is enough here: the plan doubles what it finds

ValueRange of_values(std::span<const double> values) {
  const auto [low, high] = std::ranges::minmax(values);
  return {low, high};
}

Matrix apply(const AffineMap& map, const Matrix& rows) {
  return forward(Network{rows.cols, {Dense{map.weight, map.bias}}}, rows);
}

/// What the network computes on some rows: v of every activation, and what enters every map (the values of
/// the activation before it, less their centre).
struct Passage {
  std::vector<Matrix> inputs;  ///< [map]
  std::vector<Matrix> v;       ///< [activation]
  Matrix output;
};

Passage run(const FoldedNetwork& network, const Matrix& rows, std::span<const double> centres) {
  Passage out;
  Matrix values = rows;
  for (size_t layer = 0; layer < network.maps.size(); ++layer) {
    out.inputs.push_back(values);
    for (double& value : out.inputs.back().values) value -= layer == 0 ? 0.5 : centres[layer - 1];
    values = apply(network.maps[layer], values);
    if (layer == network.activations.size()) break;
    out.v.push_back(values);
    for (double& value : values.values) value = network.activations[layer].at(value);
  }
  out.output = std::move(values);
  return out;
}

/// Means of every activation's values over units and rows.
std::vector<double> centres_of(const FoldedNetwork& network, const Matrix& rows) {
  std::vector<double> out;
  Matrix values = rows;
  for (size_t layer = 0; layer < network.activations.size(); ++layer) {
    values = apply(network.maps[layer], values);
    double sum = 0;
    for (double& value : values.values) sum += value = network.activations[layer].at(value);
    out.push_back(sum / static_cast<double>(values.values.size()));
  }
  return out;
}

/// Variances, one a unit, on their way to the output.
using Variances = std::vector<double>;

Variances through_map(const AffineMap& map, const Variances& in) {
  Variances out(map.weight.rows);
  for (size_t row = 0; row < out.size(); ++row) {
    for (size_t col = 0; col < in.size(); ++col)
      out[row] += map.weight(row, col) * map.weight(row, col) * in[col];
  }
  return out;
}

/// The gains of one row: errors are small, so activations multiply them by their slope at the row's values.
class ErrorFlow {
 public:
  ErrorFlow(const FoldedNetwork& network, const Passage& passage, size_t row)
      : network_(network), passage_(passage), row_(row) {}

  /// Errors of these variances at the units of v; `complex` where they stand in both parts of a slot, since
  /// the last map mixes the two parts of pairs of outputs.
  double from_sums(size_t layer, Variances variances, bool complex) const {
    for (; layer < network_.activations.size(); ++layer) {
      for (size_t unit = 0; unit < variances.size(); ++unit) {
        const double slope = sensitivities(layer, unit).front();
        variances[unit] *= slope * slope;
      }
      variances = through_map(network_.maps[layer + 1], variances);
      if (layer + 2 == network_.maps.size() && complex) variances = paired(variances);
    }
    return std::sqrt(*std::ranges::max_element(variances));
  }

  double from_register(size_t layer, size_t index) const {
    Variances variances(network_.maps[layer].weight.rows);
    for (size_t unit = 0; unit < variances.size(); ++unit) {
      variances[unit] = std::pow(sensitivities(layer, unit)[index], 2);
    }
    return from_values(layer, variances);
  }

  /// Errors in what enters map `layer`.
  double from_input(size_t layer) const {
    const Variances ones(network_.maps[layer].weight.cols, 1.0);
    if (layer > 0) return from_values(layer - 1, ones);
    return from_sums(0, through_map(network_.maps[0], ones), false);
  }

  double from_sums(size_t layer) const {
    if (layer == network_.activations.size()) return 1;
    return from_sums(layer, Variances(network_.maps[layer].weight.rows, 1.0), true);
  }

  /// The sum with the conjugate takes the imaginary part of the first map's away.
  double from_diagonals(size_t layer) const {
    double norm = 0;
    for (const double value : passage_.inputs[layer].row(row_)) norm += value * value;
    const Variances ones(network_.maps[layer].weight.rows, 1.0);
    return std::sqrt(norm) * (layer == 0 ? from_sums(0, ones, false) : from_sums(layer));
  }

 private:
  std::vector<double> sensitivities(size_t layer, size_t unit) const {
    const FoldedActivation& activation = network_.activations[layer];
    return activation_sensitivities(activation,
                                    activation_registers(activation, passage_.v[layer](row_, unit)));
  }

  /// Errors in both parts of the values of activation `layer`.
  double from_values(size_t layer, const Variances& variances) const {
    Variances sums = through_map(network_.maps[layer + 1], variances);
    if (layer + 2 == network_.maps.size()) sums = paired(sums);
    return from_sums(layer + 1, std::move(sums), true);
  }

  static Variances paired(const Variances& outputs) {
    const size_t half = (outputs.size() + 1) / 2;
    Variances out(half);
    for (size_t r = 0; r < half; ++r)
      out[r] = outputs[r] + (r + half < outputs.size() ? outputs[r + half] : 0.0);
    return out;
  }

  const FoldedNetwork& network_;
  const Passage& passage_;
  size_t row_;
};

size_t row_of(const Matrix& values, std::vector<double>::const_iterator value) {
  return static_cast<size_t>(value - values.values.begin()) / values.cols;
}

/// Rows from all over, and those of the largest and smallest value at every activation and of the output:
/// there polynomials are steepest.
Matrix telling_rows(const Matrix& rows, const Passage& passage) {
  std::vector<size_t> chosen;
  const size_t spread = std::min(kGainRows, rows.rows);
  for (size_t i = 0; i < spread; ++i) chosen.push_back(i * rows.rows / spread);
  const auto add_extremes = [&](const Matrix& values) {
    const auto [low, high] = std::ranges::minmax_element(values.values);
    chosen.push_back(row_of(values, low));
    chosen.push_back(row_of(values, high));
  };
  for (const Matrix& v : passage.v) add_extremes(v);
  add_extremes(passage.output);
  Matrix out(chosen.size(), rows.cols);
  for (size_t i = 0; i < chosen.size(); ++i) std::ranges::copy(rows.row(chosen[i]), out.row(i).begin());
  return out;
}

void raise(double& largest, double value) { largest = std::max(largest, value); }

void measure_gains(const FoldedNetwork& network, const Passage& passage, Calibration& out) {
  for (size_t row = 0; row < passage.output.rows; ++row) {
    const ErrorFlow flow(network, passage, row);
    for (size_t layer = 0; layer < out.layers.size(); ++layer) {
      LayerCalibration& gains = out.layers[layer];
      raise(gains.input_gain, flow.from_input(layer));
      raise(gains.diagonal_gain, flow.from_diagonals(layer));
      raise(gains.sum_gain, flow.from_sums(layer));
      for (size_t i = 0; i < gains.register_gains.size(); ++i) {
        raise(gains.register_gains[i], flow.from_register(layer, i + 1));
      }
    }
  }
}

/// The largest over the packings that the planner may pick.
double largest_slot_mean(const FoldedNetwork& network, const Passage& passage) {
  std::vector<Packing> packings;
  for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) {
    if (const auto more = possible_packings(widths_of(network), log_n); more.ok())
      packings.insert(packings.end(), more->begin(), more->end());
  }
  double largest = 0;
  for (size_t row = 0; row < std::min(kSlotRows, passage.output.rows); ++row) {
    const Matrix sums = partial_outputs(network.maps.back().weight, passage.inputs.back().row(row));
    double bias = 0;
    for (const double value : passage.output.row(row)) bias += std::abs(value);
    for (const Packing& packing : packings)
      raise(largest, mean_answer_slot(packing, sums) + bias / static_cast<double>(packing.slots()));
  }
  return largest;
}

nlohmann::json range_json(const ValueRange& range) { return {range.low, range.high}; }

ValueRange range_from(const nlohmann::json& json) {
  if (!json.is_array() || json.size() != 2)
    throw Error(ErrorCode::malformed, "calibration: a range is not [low, high]");
  return {json[0].get<double>(), json[1].get<double>()};
}

bool sound(const ValueRange& range) {
  return std::isfinite(range.low) && std::isfinite(range.high) && range.low <= range.high;
}

bool sound(double gain) { return std::isfinite(gain) && gain >= 0; }

bool sound(const LayerCalibration& layer) {
  return sound(layer.pre_activation) && std::isfinite(layer.centre) && sound(layer.input_gain) &&
         sound(layer.diagonal_gain) && sound(layer.sum_gain) &&
         std::ranges::all_of(layer.register_gains, [](double gain) { return sound(gain); });
}

LayerCalibration layer_from(const nlohmann::json& json) {
  LayerCalibration out;
  out.pre_activation = range_from(json.at("pre_activation"));
  out.centre = json.at("centre").get<double>();
  out.input_gain = json.at("input_gain").get<double>();
  out.diagonal_gain = json.at("diagonal_gain").get<double>();
  out.sum_gain = json.at("sum_gain").get<double>();
  out.register_gains = json.at("register_gains").get<std::vector<double>>();
  return out;
}

}  // namespace

Calibration calibrate(const FoldedNetwork& network, const Matrix& rows) {
  if (rows.rows == 0) throw Error(ErrorCode::invalid_argument, "calibration needs at least one row");
  const std::vector<double> centres = centres_of(network, rows);
  const Passage all = run(network, rows, centres);
  Calibration out;
  out.input = of_values(rows.values);
  out.output = of_values(all.output.values);
  out.layers.resize(network.maps.size());
  for (size_t layer = 0; layer < network.activations.size(); ++layer) {
    const FoldedActivation& activation = network.activations[layer];
    const ValueRange v = of_values(all.v[layer].values);
    out.layers[layer].pre_activation = {v.low / activation.inner_scale + activation.inner_shift,
                                        v.high / activation.inner_scale + activation.inner_shift};
    out.layers[layer].centre = centres[layer];
    out.layers[layer].register_gains.resize(activation_products(activation.degree).size());
  }
  const Passage some = run(network, telling_rows(rows, all), centres);
  measure_gains(network, some, out);
  out.slot_mean = largest_slot_mean(network, some);
  return out;
}

nlohmann::json Calibration::to_json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const LayerCalibration& layer : layers) {
    list.push_back({{"pre_activation", range_json(layer.pre_activation)},
                    {"centre", layer.centre},
                    {"input_gain", layer.input_gain},
                    {"diagonal_gain", layer.diagonal_gain},
                    {"sum_gain", layer.sum_gain},
                    {"register_gains", layer.register_gains}});
  }
  return {{"input", range_json(input)},
          {"output", range_json(output)},
          {"layers", list},
          {"slot_mean", slot_mean}};
}

Result<Calibration> Calibration::from_json(const nlohmann::json& json) {
  try {
    Calibration out;
    out.input = range_from(json.at("input"));
    out.output = range_from(json.at("output"));
    for (const auto& layer : json.at("layers")) out.layers.push_back(layer_from(layer));
    out.slot_mean = json.at("slot_mean").get<double>();
    if (!sound(out.input) || !sound(out.output) || !sound(out.slot_mean) || out.layers.empty() ||
        !std::ranges::all_of(out.layers, [](const LayerCalibration& layer) { return sound(layer); })) {
      return Error(ErrorCode::malformed,
                   "calibration: a range or gain is not finite, negative or upside down");
    }
    return out;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::malformed, std::string("calibration: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
