#include "cryptotl/rns/modulus.h"

#include <array>
#include <bit>
#include <string>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

constexpr uint32_t kLowerBound = 1u << 20;
constexpr uint32_t kUpperBound = 1u << 30;

uint32_t power_modulo(uint64_t base, uint64_t exponent, uint64_t q) {
  uint64_t result = 1;
  for (base %= q; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = result * base % q;
    base = base * base % q;
  }
  return static_cast<uint32_t>(result);
}

// One Miller-Rabin round for an odd n > witness.
bool is_probable_prime(uint32_t n, uint32_t witness) {
  const int twos = std::countr_zero(n - 1);
  uint64_t x = power_modulo(witness, (n - 1) >> twos, n);
  if (x == 1 || x == n - 1) return true;
  for (int i = 1; i < twos; ++i) {
    x = x * x % n;
    if (x == n - 1) return true;
  }
  return false;
}

}  // namespace

Modulus::Modulus(uint32_t value) : value_(value) {
  if (value <= kLowerBound || value >= kUpperBound || !is_prime(value)) {
    throw Error(ErrorCode::invalid_argument,
                "modulus " + std::to_string(value) + ": expected a prime between 2^20 and 2^30");
  }
  uint32_t inverse = value;  // exact modulo 2^3; every Newton step doubles the number of right bits
  for (int i = 0; i < 4; ++i) inverse *= 2 - value * inverse;
  negated_inverse_ = 0 - inverse;
  const uint64_t two_to_32 = (uint64_t{1} << 32) % value;
  montgomery_square_ = static_cast<uint32_t>(two_to_32 * two_to_32 % value);
  const int bits = std::bit_width(value);
  barrett_factor_ = static_cast<uint32_t>((uint64_t{1} << (bits + 31)) / value);
  barrett_shift_ = static_cast<uint32_t>(bits - 1);
}

uint32_t Modulus::power(uint32_t base, uint64_t exponent) const {
  return power_modulo(base, exponent, value_);
}

bool is_prime(uint32_t value) {
  if (value < 2) return false;
  for (const uint32_t small : {2u, 3u, 5u, 7u, 11u, 13u, 61u}) {
    if (value % small == 0) return value == small;
  }
  // These three witnesses decide every number below 4,759,123,141 (Jaeschke 1993).
  return is_probable_prime(value, 2) && is_probable_prime(value, 7) && is_probable_prime(value, 61);
}

std::vector<uint32_t> ntt_primes(uint32_t below, uint32_t step, size_t count) {
  std::vector<uint32_t> primes;
  if (step != 0 && below > 2) {
    for (uint32_t candidate = (below - 2) / step * step + 1; primes.size() < count && candidate > kLowerBound;
         candidate -= step) {
      if (is_prime(candidate)) primes.push_back(candidate);
      if (candidate <= step) break;
    }
  }
  if (primes.size() < count) {
    throw Error(ErrorCode::invalid_argument, "only " + std::to_string(primes.size()) +
                                                 " primes that are 1 modulo " + std::to_string(step) +
                                                 " lie between 2^20 and " + std::to_string(below) + ", but " +
                                                 std::to_string(count) + " were asked for");
  }
  return primes;
}

uint32_t minimal_primitive_root(const Modulus& q, uint32_t order) {
  if (!std::has_single_bit(order) || order < 2 || (q.value() - 1) % order != 0) {
    throw Error(ErrorCode::invalid_argument, "root of order " + std::to_string(order) + " modulo " +
                                                 std::to_string(q.value()) +
                                                 ": expected a power of two that divides the prime minus 1");
  }
  // x^((q-1)/order) has this order exactly where its order/2-th power is -1, that is, for every non-residue
  // x.
  uint32_t root = 0;
  for (uint32_t x = 2; root == 0; ++x) {
    const uint32_t candidate = q.power(x, (q.value() - 1) / order);
    if (q.power(candidate, order / 2) == q.value() - 1) root = candidate;
  }
  // The primitive roots are the odd powers of any one of them.
  const uint32_t square = q.multiply(root, root);
  uint32_t least = root;
  for (uint32_t i = 1; i < order / 2; ++i) {
    root = q.multiply(root, square);
    least = root < least ? root : least;
  }
  return least;
}

}  // namespace cryptotl
