#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// The labels of a file of their own: an NPY vector of integers, or UTF-8 text of one label a line (empty
/// lines at the end are ignored). malformed, with the line, for anything else.
Result<std::vector<std::string>> read_label_file(const std::filesystem::path& path);

}  // namespace cryptotl
