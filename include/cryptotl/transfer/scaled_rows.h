#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cryptotl/service/metadata.h"

namespace cryptotl {

/// Embeddings as the encrypted pass takes them.
struct ScaledRows {
  Matrix rows;                  ///< scaled with the provider's scaler, within the plan's input range
  std::vector<size_t> clipped;  ///< [rows]: how many values of the row were moved into the range
};
/// Throws parameter_mismatch for another width than the model's.
ScaledRows scale_rows(const ModelMetadata& model, const Matrix& embeddings);

/// One line on the rows that were clipped, where there are any; `clipped` as in ScaledRows.
std::optional<std::string> clip_warning(const ModelMetadata& model, const std::vector<size_t>& clipped);

/// "3, 8, 12 and 40 more": the first of these rows, counted from 1.
std::string list_rows(const std::vector<size_t>& rows);

}  // namespace cryptotl
