#include "cryptotl/data/feature_file.h"

#include "cryptotl/base/file.h"
#include "cryptotl/data/label_file.h"
#include "cryptotl/data/limits.h"
#include "csv_table.h"
#include "npy.h"
#include "place.h"

namespace cryptotl {
namespace {

Result<Table> read_npy_table(ByteView bytes, const std::filesystem::path& file, const TableOptions& options) {
  const Place place{file};
  if (options.label_column) {
    return place.error(ErrorCode::invalid_argument,
                       "an NPY file has no label column; a second file holds its labels");
  }
  if (options.labels.empty() && options.expects_labels) {
    return place.error(ErrorCode::invalid_argument, "labels are needed, in a second file beside an NPY file");
  }
  auto features = parse_npy_matrix(bytes, file);
  if (!features.ok()) return features.error();
  Table table;
  table.features = *std::move(features);
  if (options.labels.empty()) return table;
  auto labels = read_label_file(options.labels);
  if (!labels.ok()) return labels.error();
  if (labels->size() != table.rows()) {
    return Place{options.labels}.malformed(std::to_string(labels->size()) + " labels for the " +
                                           std::to_string(table.rows()) + " rows of " + file.string());
  }
  table.labels = *std::move(labels);
  return table;
}

}  // namespace

Result<Table> read_table(const std::filesystem::path& path, const TableOptions& options) {
  auto bytes = read_file(path, kMaxTableBytes);
  if (!bytes.ok()) return bytes.error();
  if (is_npy(*bytes)) return read_npy_table(*bytes, path, options);
  if (!options.labels.empty()) {
    return Place{path}.error(ErrorCode::invalid_argument,
                             "a second file of labels belongs to an NPY file, and this is none");
  }
  return parse_csv_table(*std::move(bytes), path, options);
}

Status write_npy(const std::filesystem::path& path, const Matrix& matrix) {
  return write_file(path, format_npy(matrix));
}

}  // namespace cryptotl
