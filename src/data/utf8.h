#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cryptotl {

struct CodePoint {
  uint32_t value;
  size_t bytes;  ///< 1 to 4
};

/// The code point that opens a text that is not empty, as RFC 3629 has it: shortest forms only, no
/// surrogates, none above U+10FFFF. Nothing where the bytes are none.
std::optional<CodePoint> decode_utf8(std::string_view text);

/// Position of the first byte that is no part of UTF-8 text (or is NUL, which no text file holds); npos if
/// none.
size_t find_invalid_utf8(std::string_view text);

}  // namespace cryptotl
