#pragma once

#include <cstddef>
#include <cstdint>

namespace cryptotl {

/// N integers in mixed radix: x = d_0 + p_0 (d_1 + p_1 (d_2 + ...)), each d_k the centred representative of a
/// residue modulo p_k. A view: the digits stay where they are.
struct MixedRadix {
  static constexpr size_t kMaxDigits = 8;

  size_t count = 0;
  const uint32_t* digits[kMaxDigits] = {};  ///< [N] each, below their primes
  uint32_t primes[kMaxDigits] = {};         ///< of equally many bits

  void push(const uint32_t* digit, uint32_t prime) {
    digits[count] = digit;
    primes[count++] = prime;
  }
};

}  // namespace cryptotl
