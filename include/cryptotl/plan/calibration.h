#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "cryptotl/base/matrix.h"
#include "cryptotl/network/folding.h"

namespace cryptotl {

struct ValueRange {
  double low = 0;
  double high = 0;
  bool operator==(const ValueRange&) const = default;
};

/// What the provider's rows show of one affine map and of the activation after it (none after the last). A
/// gain is the largest standard deviation of an output, over rows and outputs, where independent errors of
/// deviation 1 stand at the place that it names.
struct LayerCalibration {
  ValueRange pre_activation;  ///< u, over all units
  double centre = 0;          ///< mean of the activation's values q(v): they enter the next map less this

  double input_gain = 0;               ///< errors in the map's input
  double diagonal_gain = 0;            ///< errors in every entry of its weight
  double sum_gain = 0;                 ///< errors in its output
  std::vector<double> register_gains;  ///< errors in each product's register of the activation's circuit

  bool operator==(const LayerCalibration&) const = default;
};

/// What a folded network's values were on the provider's rows; scales and the predicted error come from it.
struct Calibration {
  ValueRange input;                      ///< scaled inputs, over all columns
  ValueRange output;                     ///< over all outputs
  std::vector<LayerCalibration> layers;  ///< one an affine map
  double slot_mean = 0;  ///< largest mean absolute value of an answer's slots, partial sums included

  bool operator==(const Calibration&) const = default;
  nlohmann::json to_json() const;
  static Result<Calibration> from_json(const nlohmann::json& json);
};

/// Runs the network on every row (scaled inputs), and errors through it on some. Throws invalid_argument
/// without rows.
Calibration calibrate(const FoldedNetwork& network, const Matrix& rows);

}  // namespace cryptotl
