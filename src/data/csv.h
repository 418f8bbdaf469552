#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// Splits text into the records of RFC 4180, with LF allowed for CRLF. Works in the buffer that it is given:
/// a field with doubled quotes is shortened in place, and the fields are views into it.
class CsvReader {
 public:
  /// `text` and `file` (for messages) must outlive the reader. Line ends at the end of the text are ignored.
  CsvReader(std::span<char> text, const std::filesystem::path& file);

  /// Reads the next record; false at the end. malformed for a quote that never closes or stands where none
  /// may.
  Result<bool> next();

  /// The last record's fields, without their quotes; valid as long as the text, until the next call.
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// The line on which the last record starts, from 1.
  size_t row() const { return row_; }

 private:
  Status read_field();
  Status read_quoted();
  Status read_plain();
  bool at_separator() const;

  std::span<char> text_;
  const std::filesystem::path& file_;
  size_t position_ = 0;
  size_t line_ = 1;
  size_t row_ = 0;
  std::vector<std::string_view> fields_;
};

}  // namespace cryptotl
