#include "cryptotl/base/bytes.h"

namespace cryptotl {
namespace {

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::string hex(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Result<Bytes> from_hex(std::string_view digits) {
  const Error bad(ErrorCode::malformed, "not an even number of hexadecimal digits");
  if (digits.size() % 2 != 0) return bad;
  Bytes out(digits.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(digits[2 * i]);
    const int low = digit_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return bad;
    out[i] = static_cast<uint8_t>(16 * high + low);
  }
  return out;
}

}  // namespace cryptotl
