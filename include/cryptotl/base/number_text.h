#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace cryptotl {

/// A number as it stands in a message: so many significant digits.
inline std::string number_text(double value, int digits = 3) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, value);
  return buffer.data();
}

}  // namespace cryptotl
