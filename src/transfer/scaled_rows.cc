#include "cryptotl/transfer/scaled_rows.h"

#include <algorithm>
#include <sstream>

namespace cryptotl {

ScaledRows scale_rows(const ModelMetadata& model, const Matrix& embeddings) {
  ScaledRows out{embeddings, std::vector<size_t>(embeddings.rows)};
  for (size_t i = 0; i < embeddings.rows; ++i) {
    model.scaler.apply(out.rows.row(i));
    out.clipped[i] =
        MinMaxScaler::clip(out.rows.row(i), model.plan.input_range.low, model.plan.input_range.high);
  }
  return out;
}

std::optional<std::string> clip_warning(const ModelMetadata& model, const std::vector<size_t>& clipped) {
  std::vector<size_t> rows;
  size_t values = 0;
  for (size_t i = 0; i < clipped.size(); ++i) {
    values += clipped[i];
    if (clipped[i] > 0) rows.push_back(i);
  }
  if (rows.empty()) return {};
  std::ostringstream line;
  line << values << " scaled inputs lay outside the model's range [" << model.plan.input_range.low << ", "
       << model.plan.input_range.high << "] and were clipped, in " << rows.size()
       << (rows.size() == 1 ? " row: " : " rows: ") << list_rows(rows);
  return line.str();
}

std::string list_rows(const std::vector<size_t>& rows) {
  constexpr size_t kNamed = 8;
  std::ostringstream out;
  for (size_t i = 0; i < std::min(rows.size(), kNamed); ++i) out << (i == 0 ? "" : ", ") << rows[i] + 1;
  if (rows.size() > kNamed) out << " and " << rows.size() - kNamed << " more";
  return out.str();
}

}  // namespace cryptotl
