#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// Rows of a data set: either numbers or texts, with a label each where the file has labels.
struct Table {
  Matrix features;                  ///< [rows][cols], finite; empty in a table of texts
  std::vector<std::string> texts;   ///< [rows], UTF-8; empty in a table of numbers
  std::vector<std::string> labels;  ///< [rows], or empty where there are none

  bool has_texts() const { return !texts.empty(); }
  size_t rows() const { return has_texts() ? texts.size() : features.rows; }
};

struct TableOptions {
  /// CSV: the label column, by its name in the header line or by its 1-based number. By default the column
  /// called `label`, otherwise (numbers only) the last one.
  std::optional<std::string> label_column;
  /// NPY: the file of labels, an NPY vector of integers or a text file of one label a line.
  std::filesystem::path labels;
  /// Where false, a table without labels is fine, and a CSV of numbers has a label column only if it is
  /// named.
  bool expects_labels = true;
};

/// Reads a table, recognised by its content, not by its name:
/// - CSV of numbers, with or without a header line (a header line holds no number, or counts 0,1,2,... as
/// pandas does);
/// - CSV with a header line and a column called `text`;
/// - NPY 1.0 to 3.0: little-endian float16, float32 or float64, two dimensions, C order.
/// CSV follows RFC 4180 (quotes, CRLF or LF, line feeds inside quotes) in UTF-8; empty lines at its end are
/// ignored. Errors are one line with file, row (in CSV the line number, in NPY the row of the array; both
/// from 1) and column (from 1): malformed for content that breaks the format, mixed column counts, NaN,
/// infinity or no rows; too_large beyond limits.h; not_found; invalid_argument for options that do not fit
/// the file. They never repeat the content.
Result<Table> read_table(const std::filesystem::path& path, const TableOptions& options = {});

/// Writes the matrix as an NPY 1.0 file of float64 in C order, whole or not at all.
Status write_npy(const std::filesystem::path& path, const Matrix& matrix);

}  // namespace cryptotl
