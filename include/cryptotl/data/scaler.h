#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// Maps every column to [0, 1] on the rows that it was fitted on: x -> (x - minimum) / (maximum - minimum). A
/// column that was constant there has range zero, which counts as 1. Other rows may fall outside [0, 1].
struct MinMaxScaler {
  std::vector<double> minimum;  ///< [width]
  std::vector<double> maximum;  ///< [width]

  /// Throws invalid_argument for a matrix without rows or columns.
  static MinMaxScaler fit(const Matrix& rows);

  size_t width() const { return minimum.size(); }

  /// Scales one row in place; throws parameter_mismatch where its width is another.
  void apply(std::span<double> row) const;
  /// Scales every row in place; throws as above.
  void apply(Matrix& rows) const;

  /// Moves values outside [low, high] to the nearer end; returns how many were outside.
  static size_t clip(std::span<double> row, double low, double high);

  /// {"minimum": [...], "maximum": [...]}; doubles survive the way there and back exactly.
  nlohmann::json to_json() const;
  /// malformed for another shape, numbers that are not finite, or a minimum above its maximum.
  static Result<MinMaxScaler> from_json(const nlohmann::json& json);

  bool operator==(const MinMaxScaler&) const = default;
};

}  // namespace cryptotl
