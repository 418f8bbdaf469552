#include "number.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace cryptotl {
namespace {

// Where from_chars reports a value out of range: an exponent below zero means that it is too small.
double beyond_range(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  const bool small = exponent == std::string_view::npos ? text.find_first_of("123456789") > text.find('.')
                                                        : text.substr(exponent + 1).starts_with('-');
  return small ? 0.0 : std::numeric_limits<double>::infinity();
}

}  // namespace

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<double> parse_number(std::string_view text) {
  text = trim(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return error == std::errc() ? value : beyond_range(text);
}

std::string canonical_label(std::string_view text) {
  text = trim(text);
  constexpr double kExact = 9007199254740992.0;  // 2^53: every integer up to it is a double
  if (text.find_first_of(".eE") != std::string_view::npos) {
    const std::optional<double> value = parse_number(text);
    if (value && std::abs(*value) <= kExact && std::trunc(*value) == *value) {
      return std::to_string(static_cast<long long>(*value));
    }
  }
  return std::string(text);
}

}  // namespace cryptotl
