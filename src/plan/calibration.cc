#include "cryptotl/plan/calibration.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {
namespace {

void include(ValueRange& range, double value) {
  range.low = std::min(range.low, value);
  range.high = std::max(range.high, value);
}

ValueRange of_values(std::span<const double> values) {
  const auto [low, high] = std::ranges::minmax(values);
  return {low, high};
}

double power(const FoldedNetwork& network, double v) { return (v * v + network.alpha) * v; }

nlohmann::json range_json(const ValueRange& range) { return {range.low, range.high}; }

ValueRange range_from(const nlohmann::json& json) {
  if (!json.is_array() || json.size() != 2)
    throw Error(ErrorCode::malformed, "calibration: a range is not [low, high]");
  return {json[0].get<double>(), json[1].get<double>()};
}

bool sound(const ValueRange& range) {
  return std::isfinite(range.low) && std::isfinite(range.high) && range.low <= range.high;
}

bool sound(double norm) { return std::isfinite(norm) && norm >= 0; }

}  // namespace

Calibration calibrate(const FoldedNetwork& network, const Matrix& rows) {
  if (rows.rows == 0) throw Error(ErrorCode::invalid_argument, "calibration needs at least one row");
  const Network linear{rows.cols, {Dense{network.first.weight, network.first.bias}}};
  const Matrix v = forward(linear, rows);
  const Matrix outputs = forward(network, rows);
  const double v0 = -network.inner_scale * network.inner_shift;
  Calibration out;
  out.input = of_values(rows.values);
  out.output = of_values(outputs.values);
  const ValueRange v_range = of_values(v.values);
  out.pre_activation = {v_range.low / network.inner_scale + network.inner_shift,
                        v_range.high / network.inner_scale + network.inner_shift};
  for (size_t i = 0; i < rows.rows; ++i) {
    double inputs = 0;
    for (const double x : rows.row(i)) inputs += (x - 0.5) * (x - 0.5);
    double activations = 0;
    double slopes = 0;
    for (const double value : v.row(i)) {
      activations += std::pow(power(network, value) - power(network, v0), 2);
      slopes += std::pow(3 * value * value + network.alpha, 2);
    }
    out.input_norm = std::max(out.input_norm, std::sqrt(inputs));
    out.activation_norm = std::max(out.activation_norm, std::sqrt(activations));
    out.slope = std::max(out.slope, std::sqrt(slopes / static_cast<double>(v.cols)));
  }
  // A sample is enough here: the plan doubles what it finds.
  const size_t step = std::max<size_t>(1, rows.rows / 16);
  for (size_t i = 0; i < rows.rows; i += step) {
    out.slot_mean = std::max(out.slot_mean, mean_answer_slot(network, v.row(i)));
  }
  include(out.pre_activation, 0.0);
  return out;
}

nlohmann::json Calibration::to_json() const {
  return {{"input", range_json(input)},
          {"pre_activation", range_json(pre_activation)},
          {"output", range_json(output)},
          {"input_norm", input_norm},
          {"activation_norm", activation_norm},
          {"slot_mean", slot_mean},
          {"slope", slope}};
}

Result<Calibration> Calibration::from_json(const nlohmann::json& json) {
  try {
    Calibration out;
    out.input = range_from(json.at("input"));
    out.pre_activation = range_from(json.at("pre_activation"));
    out.output = range_from(json.at("output"));
    out.input_norm = json.at("input_norm").get<double>();
    out.activation_norm = json.at("activation_norm").get<double>();
    out.slot_mean = json.at("slot_mean").get<double>();
    out.slope = json.at("slope").get<double>();
    if (!sound(out.input) || !sound(out.pre_activation) || !sound(out.output) || !sound(out.input_norm) ||
        !sound(out.activation_norm) || !sound(out.slot_mean) || !sound(out.slope)) {
      return Error(ErrorCode::malformed, "calibration: a range or norm is not finite, or upside down");
    }
    return out;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::malformed, std::string("calibration: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
