#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

/// Appends little-endian numbers and raw bytes to a buffer that it owns.
class ByteWriter {
 public:
  /// `capacity` bytes are kept ready, so that a writer of secrets never leaves a copy behind by growing.
  explicit ByteWriter(size_t capacity = 0) { buffer_.reserve(capacity); }

  template <typename T>
  requires std::is_arithmetic_v<T>
  void number(T value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    buffer_.insert(buffer_.end(), bytes, bytes + sizeof(T));
  }
  void bytes(ByteView view) { buffer_.insert(buffer_.end(), view.begin(), view.end()); }
  void text(std::string_view view) { bytes({reinterpret_cast<const uint8_t*>(view.data()), view.size()}); }
  /// `count` zero bytes at the end, as a span to be filled; valid until the next call.
  std::span<uint8_t> reserve(size_t count) {
    buffer_.resize(buffer_.size() + count);
    return std::span(buffer_).last(count);
  }
  size_t size() const { return buffer_.size(); }
  Bytes take() { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

/// Reads what ByteWriter wrote from bytes that it does not own, and never reads past their end: the first
/// read that would do so fails, and so does every later one.
class ByteReader {
 public:
  explicit ByteReader(ByteView view) : rest_(view) {}

  template <typename T>
  requires std::is_arithmetic_v<T> Result<T> number() {
    T value;
    if (rest_.size() < sizeof(T)) return truncated(sizeof(T));
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  Result<ByteView> bytes(size_t count) {
    if (rest_.size() < count) return truncated(count);
    const ByteView view = rest_.first(count);
    rest_ = rest_.subspan(count);
    return view;
  }
  size_t remaining() const { return rest_.size(); }

 private:
  Error truncated(size_t wanted) {
    const size_t left = rest_.size();
    rest_ = {};
    return Error(ErrorCode::malformed, "truncated: " + std::to_string(wanted) + " bytes are needed where " +
                                           std::to_string(left) + " are left");
  }
  ByteView rest_;
};

/// Lower-case hexadecimal digits of the bytes.
std::string hex(ByteView bytes);

/// The bytes of a hexadecimal string of an even length; malformed otherwise.
Result<Bytes> from_hex(std::string_view digits);

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace cryptotl
