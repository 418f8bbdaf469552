#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// The classes of a data set and the class of every row.
struct LabelSet {
  std::vector<std::string> names;  ///< distinct, in order: by value where all are numbers, else by bytes
  std::vector<int> index;          ///< [rows], positions in `names`
};

/// Finds the classes. malformed where there are fewer than two or more than kMaxClasses; `source` (a file)
/// opens the message.
Result<LabelSet> index_labels(const std::vector<std::string>& labels, std::string_view source = "the table");

/// The position of every label in `names`, for data that must have the classes of an existing model or head.
/// parameter_mismatch with the row where a label is none of them.
Result<std::vector<int>> index_labels_as(const std::vector<std::string>& labels,
                                         const std::vector<std::string>& names,
                                         std::string_view source = "the table");

}  // namespace cryptotl
