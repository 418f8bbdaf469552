#pragma once

#include <array>
#include <cstring>
#include <span>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

// Numbers below 2^bits, bits at most 63, one behind the other from the lowest bit of the first byte on: a
// multiple of 8 of them, so that no bit is left over, in exactly as many bytes as they fill.

inline size_t packed_bytes(size_t count, size_t bits) { return count / 8 * bits; }

template <typename Number>
void pack_bits(std::span<const Number> numbers, size_t bits, std::span<uint8_t> out) {
  uint8_t* at = out.data();
  uint64_t word = 0;
  size_t held = 0;
  for (const uint64_t number : numbers) {
    word |= number << held;
    held += bits;
    if (held < 64) continue;
    std::memcpy(at, &word, 8);
    at += 8;
    held -= 64;
    word = number >> (bits - held);
  }
  std::memcpy(at, &word, held / 8);
}

template <typename Number>
void unpack_bits(ByteView packed, size_t bits, std::span<Number> out) {
  constexpr size_t kWithinWord = 57;  // bits that stand in eight bytes wherever they begin in the first
  constexpr size_t kBehind = 9;       // bytes that may be read behind the eight numbers of a group
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  const auto unpack_group = [&](const uint8_t* group, Number* to) {
    for (size_t k = 0; k < 8; ++k) {
      const uint8_t* const at = group + k * bits / 8;
      const size_t shift = k * bits % 8;
      uint64_t word = 0;
      std::memcpy(&word, at, 8);
      word >>= shift;
      if (bits > kWithinWord) word |= uint64_t{at[8]} << 1 << (63 - shift);
      to[k] = static_cast<Number>(word & mask);
    }
  };
  const uint8_t* at = packed.data();
  const uint8_t* const end = at + packed.size();
  for (size_t i = 0; i < out.size(); i += 8, at += bits) {
    if (static_cast<size_t>(end - at) >= bits + kBehind) {
      unpack_group(at, &out[i]);
      continue;
    }
    std::array<uint8_t, 64 + kBehind> group = {};
    std::memcpy(group.data(), at, bits);
    unpack_group(group.data(), &out[i]);
  }
}

}  // namespace cryptotl
