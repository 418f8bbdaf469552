#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cryptotl {

/// The number that all of the text spells in decimal digits; nothing otherwise, or beyond 64 bits.
std::optional<uint64_t> whole_number(std::string_view text);

}  // namespace cryptotl
