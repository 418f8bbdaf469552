#pragma once

#include <string>
#include <vector>

namespace cryptotl {

/// Lines of aligned columns with a rule below the first; the first column stands to the left, the others to
/// the right. Rows may be shorter than the first.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

/// The number with so many decimals.
std::string fixed(double value, int decimals);
/// With three significant digits, such as 1.23e-05.
std::string brief(double value);
/// As fixed(), with bytes in KB or MB.
std::string byte_text(size_t bytes);

}  // namespace cryptotl
