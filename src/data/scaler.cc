#include "cryptotl/data/scaler.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "cryptotl/data/limits.h"

namespace cryptotl {
namespace {

/// Whether every column's range is a number and not below zero.
bool has_ranges(const MinMaxScaler& scaler) {
  for (size_t c = 0; c < scaler.width(); ++c) {
    const double range = scaler.maximum[c] - scaler.minimum[c];
    if (!std::isfinite(range) || range < 0) return false;
  }
  return true;
}

/// An array of 1 to kMaxTableColumns finite numbers, or nothing.
std::optional<std::vector<double>> numbers(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array() || found->empty() || found->size() > kMaxTableColumns)
    return {};
  std::vector<double> out;
  for (const auto& item : *found) {
    if (!item.is_number() || !std::isfinite(item.get<double>())) return {};
    out.push_back(item.get<double>());
  }
  return out;
}

}  // namespace

MinMaxScaler MinMaxScaler::fit(const Matrix& rows) {
  if (rows.rows == 0 || rows.cols == 0)
    throw Error(ErrorCode::invalid_argument, "a scaler needs at least one value");
  MinMaxScaler scaler;
  const auto first = rows.row(0);
  scaler.minimum.assign(first.begin(), first.end());
  scaler.maximum = scaler.minimum;
  for (size_t r = 1; r < rows.rows; ++r) {
    for (size_t c = 0; c < rows.cols; ++c) {
      scaler.minimum[c] = std::min(scaler.minimum[c], rows(r, c));
      scaler.maximum[c] = std::max(scaler.maximum[c], rows(r, c));
    }
  }
  if (!has_ranges(scaler))
    throw Error(ErrorCode::invalid_argument, "a column's range is beyond that of a double");
  return scaler;
}

void MinMaxScaler::apply(std::span<double> row) const {
  if (row.size() != width()) {
    throw Error(ErrorCode::parameter_mismatch, "a row of " + std::to_string(row.size()) +
                                                   " features, where the scaler was fitted on " +
                                                   std::to_string(width()));
  }
  for (size_t c = 0; c < row.size(); ++c) {
    const double range = maximum[c] - minimum[c];
    row[c] = (row[c] - minimum[c]) / (range == 0 ? 1 : range);
  }
}

void MinMaxScaler::apply(Matrix& rows) const {
  for (size_t r = 0; r < rows.rows; ++r) apply(rows.row(r));
}

size_t MinMaxScaler::clip(std::span<double> row, double low, double high) {
  size_t clipped = 0;
  for (double& value : row) {
    const double inside = std::clamp(value, low, high);
    clipped += inside != value ? 1 : 0;
    value = inside;
  }
  return clipped;
}

nlohmann::json MinMaxScaler::to_json() const { return {{"minimum", minimum}, {"maximum", maximum}}; }

Result<MinMaxScaler> MinMaxScaler::from_json(const nlohmann::json& json) {
  auto minimum = numbers(json, "minimum");
  auto maximum = numbers(json, "maximum");
  if (!minimum || !maximum || minimum->size() != maximum->size()) {
    return Error(ErrorCode::malformed,
                 "a scaler is two arrays of equally many finite numbers, minimum and maximum");
  }
  MinMaxScaler scaler;
  scaler.minimum = *std::move(minimum);
  scaler.maximum = *std::move(maximum);
  if (!has_ranges(scaler)) return Error(ErrorCode::malformed, "the scaler has a minimum above its maximum");
  return scaler;
}

}  // namespace cryptotl
