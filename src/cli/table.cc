#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "cryptotl/base/number_text.h"

namespace cryptotl {

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return {};
  std::vector<size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < std::min(rows[r].size(), widths.size()); ++i) {
      const std::string space(widths[i] - rows[r][i].size(), ' ');
      line += i == 0 ? rows[r][i] + space : "  " + space + rows[r][i];
    }
    out += line + "\n";
    if (r == 0) out += std::string(line.size(), '-') + "\n";
  }
  return out;
}

namespace {

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

std::string fixed(double value, int decimals) { return formatted("%.*f", decimals, value); }
std::string brief(double value) { return number_text(value); }
std::string byte_text(size_t bytes) {
  const auto count = static_cast<double>(bytes);
  return bytes < 1'000'000 ? fixed(count / 1e3, 0) + " KB" : fixed(count / 1e6, 1) + " MB";
}

}  // namespace cryptotl
