#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cryptotl {

/// An odd prime q with 2^20 < q < 2^30, and the constants that reduce modulo it. Every residue is a uint32_t;
/// q < 2^30 leaves room for lazy residues below 4q and for sums of 16 products in 64 bits: 16 (q-1)^2 < 2^64.
class Modulus {
 public:
  Modulus() = default;
  /// Throws invalid_argument unless `value` is an odd prime within the bounds above.
  explicit Modulus(uint32_t value);

  uint32_t value() const { return value_; }
  /// -q^-1 mod 2^32, for Montgomery reduction.
  uint32_t negated_inverse() const { return negated_inverse_; }
  /// 2^64 mod q: a product with it under Montgomery reduction takes a residue to Montgomery form.
  uint32_t montgomery_square() const { return montgomery_square_; }

  /// floor(2^(k+31) / q) for q of k bits, and k - 1: the quotient of x < q^2 by q is ((x >> (k-1)) factor) >>
  /// 32, or up to two more.
  uint32_t barrett_factor() const { return barrett_factor_; }
  uint32_t barrett_shift() const { return barrett_shift_; }
  /// floor(w 2^32 / q), w < q: for every 32-bit a, a w - q floor(a quotient / 2^32) lies in [0, 2q) (Shoup).
  uint32_t shoup_quotient(uint32_t w) const {
    return static_cast<uint32_t>((static_cast<uint64_t>(w) << 32) / value_);
  }

  uint32_t add(uint32_t a, uint32_t b) const {
    const uint32_t sum = a + b;
    return sum >= value_ ? sum - value_ : sum;
  }
  uint32_t subtract(uint32_t a, uint32_t b) const { return a >= b ? a - b : a + value_ - b; }
  uint32_t negate(uint32_t a) const { return a == 0 ? 0 : value_ - a; }
  uint32_t multiply(uint32_t a, uint32_t b) const {
    return static_cast<uint32_t>(static_cast<uint64_t>(a) * b % value_);
  }
  uint32_t power(uint32_t base, uint64_t exponent) const;
  uint32_t inverse(uint32_t a) const { return power(a, value_ - 2); }
  /// a 2^32 mod q.
  uint32_t to_montgomery(uint32_t a) const {
    return static_cast<uint32_t>((static_cast<uint64_t>(a) << 32) % value_);
  }
  /// The residue of a signed number.
  uint32_t reduce(int64_t a) const {
    const int64_t rest = a % static_cast<int64_t>(value_);
    return static_cast<uint32_t>(rest < 0 ? rest + value_ : rest);
  }
  bool operator==(const Modulus& other) const { return value_ == other.value_; }

 private:
  uint32_t value_ = 0;
  uint32_t negated_inverse_ = 0;
  uint32_t montgomery_square_ = 0;
  uint32_t barrett_factor_ = 0;
  uint32_t barrett_shift_ = 0;
};

/// Exact for every 32-bit number.
bool is_prime(uint32_t value);

/// The `count` largest primes below `below` that are 1 modulo `step` (2N for an NTT of N points), falling.
/// Throws invalid_argument where there are fewer above 2^20.
std::vector<uint32_t> ntt_primes(uint32_t below, uint32_t step, size_t count);

/// The smallest primitive `order`-th root of unity modulo q; `order` a power of two that divides q - 1. (SEAL
/// picks the same, so that both sides' NTT forms are equal.) Throws invalid_argument for any other `order`.
uint32_t minimal_primitive_root(const Modulus& q, uint32_t order);

}  // namespace cryptotl
