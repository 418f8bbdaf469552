#pragma once

#include <cstddef>
#include <cstdint>

namespace cryptotl {

/// The low `bits` bits of `value` in reverse order.
inline uint32_t reverse_bits(uint32_t value, size_t bits) {
  uint32_t reversed = 0;
  for (size_t i = 0; i < bits; ++i) reversed |= (value >> i & 1) << (bits - 1 - i);
  return reversed;
}

}  // namespace cryptotl
