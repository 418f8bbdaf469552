#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cryptotl {

/// The text without spaces and tabs at its ends.
std::string_view trim(std::string_view text);

/// The decimal number that the whole trimmed text spells, "nan" and "inf" included; nothing otherwise. Beyond
/// the range of a double it is an infinity or zero.
std::optional<double> parse_number(std::string_view text);

/// One spelling a label: trimmed, and a whole number written with a point or an exponent ("1.0", "1.00e+00")
/// as an integer ("1"), because tools that write tables of floating-point numbers write labels so too.
std::string canonical_label(std::string_view text);

}  // namespace cryptotl
