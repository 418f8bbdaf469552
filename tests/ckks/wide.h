#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace cryptotl {

/// Integers below 2^320 by the schoolbook: more than the product of all primes of a test.
class Wide {
 public:
  Wide(uint32_t value = 0) { words_[0] = value; }  // NOLINT(google-explicit-constructor)

  /// d_0 + p_0 (d_1 + p_1 (...)).
  static Wide from_digits(std::span<const uint32_t> digits, std::span<const uint32_t> primes) {
    Wide out;
    for (size_t i = digits.size(); i-- > 0;) out = out.times(primes[i]) + Wide(digits[i]);
    return out;
  }
  static Wide product(std::span<const uint32_t> primes) {
    Wide out(1);
    for (const uint32_t prime : primes) out = out.times(prime);
    return out;
  }

  Wide operator+(const Wide& other) const {
    Wide out;
    uint64_t carry = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      carry += static_cast<uint64_t>(words_[i]) + other.words_[i];
      out.words_[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    return out;
  }
  Wide times(uint32_t factor) const {
    Wide out;
    uint64_t carry = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      carry += static_cast<uint64_t>(words_[i]) * factor;
      out.words_[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    return out;
  }
  /// Rounded down, one prime after the other.
  Wide over(std::span<const uint32_t> primes) const {
    Wide out = *this;
    for (const uint32_t prime : primes) out.divide(prime);
    return out;
  }
  /// To the nearest: the product is odd, so there are no ties.
  Wide rounded_over(std::span<const uint32_t> primes) const {
    Wide half = product(primes);
    half.divide(2);
    return (*this + half).over(primes);
  }
  uint32_t modulo(uint32_t prime) const {
    Wide copy = *this;
    return copy.divide(prime);
  }
  /// The representative nearest to 0 modulo the product of at most four primes of 30 bits.
  __int128 centred(std::span<const uint32_t> primes) const {
    Wide rest = *this;
    __int128 value = 0;
    __int128 product = 1;
    for (const uint32_t prime : primes) {
      value += product * rest.divide(prime);
      product *= prime;
    }
    return value > product / 2 ? value - product : value;
  }

 private:
  /// Returns the remainder.
  uint32_t divide(uint32_t divisor) {
    uint64_t rest = 0;
    for (size_t i = words_.size(); i-- > 0;) {
      rest = rest << 32 | words_[i];
      words_[i] = static_cast<uint32_t>(rest / divisor);
      rest %= divisor;
    }
    return static_cast<uint32_t>(rest);
  }

  std::array<uint32_t, 10> words_ = {};
};

/// `count` numbers below the product of the primes; the edges 0, 1, the half, one more, and the largest
/// first.
inline std::vector<Wide> random_below_product(size_t count, std::span<const uint32_t> primes, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<uint32_t> digits(primes.size());
  std::vector<Wide> out(count);
  for (Wide& value : out) {
    for (size_t i = 0; i < primes.size(); ++i) digits[i] = static_cast<uint32_t>(generator() % primes[i]);
    value = Wide::from_digits(digits, primes);
  }
  out[0] = 0;
  out[1] = 1;
  for (size_t i = 0; i < primes.size(); ++i) digits[i] = primes[i] / 2;
  out[2] = Wide::from_digits(digits, primes);
  out[3] = out[2] + Wide(1);
  for (size_t i = 0; i < primes.size(); ++i) digits[i] = primes[i] - 1;
  out[4] = Wide::from_digits(digits, primes);
  return out;
}

}  // namespace cryptotl
