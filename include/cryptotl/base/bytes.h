#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

static_assert(std::endian::native == std::endian::little, "every format of ours is little-endian");

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

/// Numbers whose every bit pattern is a value and that have no padding: neither bool nor long double.
template <typename T>
concept IsWireNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= 8;

/// Appends little-endian numbers and raw bytes to a buffer that it owns.
class ByteWriter {
 public:
  /// `capacity` bytes are kept ready, so that a writer of secrets never leaves a copy behind by growing.
  explicit ByteWriter(size_t capacity = 0) { buffer_.reserve(capacity); }

  template <typename T>
  requires IsWireNumber<T>
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
  requires IsWireNumber<T> Result<T> number() {
    const Result<ByteView> field = bytes(sizeof(T));
    if (!field.ok()) return field.error();
    T value;
    std::memcpy(&value, field->data(), sizeof(T));
    return value;
  }
  Result<ByteView> bytes(size_t count) {
    if (failed_ || rest_.size() < count) return truncated(count);
    const ByteView view = rest_.first(count);
    rest_ = rest_.subspan(count);
    return view;
  }
  size_t remaining() const { return rest_.size(); }

 private:
  Error truncated(size_t wanted) {
    const size_t left = rest_.size();
    rest_ = {};
    failed_ = true;
    return Error(ErrorCode::malformed, "truncated: " + std::to_string(wanted) + " bytes are needed where " +
                                           std::to_string(left) + " are left");
  }
  ByteView rest_;
  bool failed_ = false;
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
