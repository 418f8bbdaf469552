#include "cryptotl/data/labels.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "cryptotl/data/limits.h"
#include "number.h"

namespace cryptotl {
namespace {

void sort_names(std::vector<std::string>& names) {
  const auto is_number = [](const std::string& label) {
    return std::isfinite(parse_number(label).value_or(NAN));
  };
  if (std::all_of(names.begin(), names.end(), is_number)) {
    std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return *parse_number(a) < *parse_number(b);
    });
  }
}

std::map<std::string_view, int> positions(const std::vector<std::string>& names) {
  std::map<std::string_view, int> out;
  for (size_t i = 0; i < names.size(); ++i) out.emplace(names[i], static_cast<int>(i));
  return out;
}

}  // namespace

Result<LabelSet> index_labels(const std::vector<std::string>& labels, std::string_view source) {
  LabelSet set;
  std::map<std::string_view, int> seen;  // ordered by bytes
  for (const std::string& label : labels) {
    seen.emplace(label, 0);
    if (seen.size() > kMaxClasses) {
      return Error(ErrorCode::malformed, std::string(source) + ": more than " + std::to_string(kMaxClasses) +
                                             " distinct labels; is this the label column?");
    }
  }
  if (seen.size() < 2) {
    return Error(ErrorCode::malformed,
                 std::string(source) + ": " +
                     (seen.empty() ? "no labels"
                                   : "all " + std::to_string(labels.size()) + " rows have the same label") +
                     "; at least two classes are needed");
  }
  for (const auto& [label, unused] : seen) set.names.emplace_back(label);
  sort_names(set.names);
  auto index = index_labels_as(labels, set.names, source);
  if (!index.ok()) return index.error();
  set.index = *std::move(index);
  return set;
}

Result<std::vector<int>> index_labels_as(const std::vector<std::string>& labels,
                                         const std::vector<std::string>& names, std::string_view source) {
  const auto position = positions(names);
  std::vector<int> index;
  index.reserve(labels.size());
  for (const std::string& label : labels) {
    const auto found = position.find(label);
    if (found == position.end()) {
      return Error(ErrorCode::parameter_mismatch,
                   std::string(source) + ", data row " + std::to_string(index.size() + 1) +
                       ": a label that is none of the " + std::to_string(names.size()) + " known ones");
    }
    index.push_back(found->second);
  }
  return index;
}

}  // namespace cryptotl
