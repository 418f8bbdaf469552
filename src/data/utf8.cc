#include "utf8.h"

namespace cryptotl {
namespace {

uint32_t byte(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

}  // namespace

std::optional<CodePoint> decode_utf8(std::string_view text) {
  const uint32_t lead = byte(text, 0);
  if (lead < 0x80) return CodePoint{lead, 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return std::nullopt;
  uint32_t value = lead & (0x7Fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(text, i) & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(text, i) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[bytes] || value > 0x10FFFF || surrogate) return std::nullopt;
  return CodePoint{value, bytes};
}

size_t find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto point = decode_utf8(text.substr(i));
    if (!point || point->value == 0) return i;
    i += point->bytes;
  }
  return std::string_view::npos;
}

}  // namespace cryptotl
