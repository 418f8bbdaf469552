#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace cryptotl {

/// A number as it stands in a message: three significant digits.
inline std::string number_text(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.3g", value);
  return buffer.data();
}

}  // namespace cryptotl
