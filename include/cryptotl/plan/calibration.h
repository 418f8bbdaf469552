#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cryptotl/base/matrix.h"
#include "cryptotl/network/folding.h"

namespace cryptotl {

struct ValueRange {
  double low = 0;
  double high = 0;
  bool operator==(const ValueRange&) const = default;
};

/// What a folded network's values were on the provider's rows; scales and the predicted error come from it.
struct Calibration {
  ValueRange input;            ///< scaled inputs, over all columns
  ValueRange pre_activation;   ///< u = W1 x + b1, over all units
  ValueRange output;           ///< over all outputs
  double input_norm = 0;       ///< largest ||x - 1/2|| of a row
  double activation_norm = 0;  ///< largest ||w - w0|| of a row, w = (v^2 + alpha) v and w0 its value at u = 0
  double slot_mean = 0;        ///< largest mean absolute value of an answer's slots, partial sums included
  double slope = 0;            ///< largest root mean square of 3 v^2 + alpha over the units of a row

  bool operator==(const Calibration&) const = default;
  nlohmann::json to_json() const;
  static Result<Calibration> from_json(const nlohmann::json& json);
};

/// Runs the network on every row (scaled inputs). Throws invalid_argument without rows.
Calibration calibrate(const FoldedNetwork& network, const Matrix& rows);

}  // namespace cryptotl
