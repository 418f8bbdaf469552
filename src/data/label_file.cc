#include "cryptotl/data/label_file.h"

#include "cryptotl/base/file.h"
#include "cryptotl/data/limits.h"
#include "npy.h"
#include "number.h"
#include "place.h"
#include "utf8.h"

namespace cryptotl {
namespace {

Result<std::vector<std::string>> parse_lines(std::string_view text, const std::filesystem::path& file) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  std::vector<std::string> labels;
  while (!text.empty()) {
    const Place place{file, labels.size() + 1};
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (find_invalid_utf8(line) != line.npos) return place.malformed("not UTF-8 text; a label is wanted");
    labels.push_back(canonical_label(line));
    if (labels.back().empty()) return place.malformed("the label is empty");
    if (labels.size() > kMaxTableRows) {
      return place.error(ErrorCode::too_large, "more labels than the " + std::to_string(kMaxTableRows) +
                                                   " rows that a table may have");
    }
  }
  if (labels.empty()) return Place{file}.malformed("the file is empty; one label a line is wanted");
  return labels;
}

}  // namespace

Result<std::vector<std::string>> read_label_file(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kMaxTableBytes);
  if (!bytes.ok()) return bytes.error();
  return is_npy(*bytes) ? parse_npy_labels(*bytes, path) : parse_lines(as_text(*bytes), path);
}

}  // namespace cryptotl
