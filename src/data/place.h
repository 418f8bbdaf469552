#pragma once

#include <filesystem>
#include <string>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// Where in a file something is wrong; 0 leaves row or column out.
struct Place {
  const std::filesystem::path& file;
  size_t row = 0;
  size_t column = 0;

  std::string text() const {
    std::string out = file.string();
    if (row != 0) out += ", row " + std::to_string(row);
    if (column != 0) out += ", column " + std::to_string(column);
    return out;
  }
  Error error(ErrorCode code, const std::string& what) const { return Error(code, text() + ": " + what); }
  Error malformed(const std::string& what) const { return error(ErrorCode::malformed, what); }
};

}  // namespace cryptotl
