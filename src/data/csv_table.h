#pragma once

#include <filesystem>

#include "cryptotl/base/bytes.h"
#include "cryptotl/data/feature_file.h"

namespace cryptotl {

/// A table from the bytes of a CSV file, which are changed on the way; `file` is for messages. See
/// read_table.
Result<Table> parse_csv_table(Bytes bytes, const std::filesystem::path& file, const TableOptions& options);

}  // namespace cryptotl
