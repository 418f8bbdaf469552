#pragma once

#include <cstddef>
#include <cstdint>

#include "rns/matrix/kernel.h"

namespace cryptotl {
namespace {

/// Two Montgomery reductions, which a multiplication by 2^64 in between makes up for. Compiled in each file
/// for its instruction set.
void reduce_sums(uint32_t* out, const int64_t* sums, size_t count, uint32_t q, uint32_t negated_inverse,
                 uint32_t montgomery_square) {
  constexpr uint64_t kLow = 0xffffffff;
  const uint64_t bias = (uint64_t{1} << 61) / q * q + q;  // at least 2^61
  for (size_t i = 0; i < count; ++i) {
    const uint64_t sum = static_cast<uint64_t>(sums[i]) + bias;  // below 2^62 + q
    const uint64_t m = (sum & kLow) * negated_inverse & kLow;
    const uint64_t once = (sum + m * q) >> 32;  // below 2^30 + q + 1
    const uint64_t product = once * montgomery_square;
    const uint64_t m2 = (product & kLow) * negated_inverse & kLow;
    const uint64_t twice = (product + m2 * q) >> 32;  // below q + q/2 + 1
    out[i] = static_cast<uint32_t>(twice >= q ? twice - q : twice);
  }
}

}  // namespace
}  // namespace cryptotl
