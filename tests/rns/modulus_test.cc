#include "cryptotl/rns/modulus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

constexpr uint32_t kPrime = 1073692673;  // 2^30 - 3 2^14 + 1

TEST(Modulus, RefusesCompositesAndPrimesOutOfBounds) {
  EXPECT_THROW(Modulus(0), Error);
  EXPECT_THROW(Modulus(1048573), Error) << "below 2^20";
  EXPECT_THROW(Modulus(1073741827), Error) << "above 2^30";
  EXPECT_THROW(Modulus(1073692672), Error) << "even";
  EXPECT_THROW(Modulus(32749u * 32719u), Error) << "the product of two primes";
  EXPECT_NO_THROW(Modulus(1048583));
  EXPECT_NO_THROW(Modulus(1073741789));
}

TEST(Modulus, ConstantsAreWhatTheirNamesSay) {
  for (const uint32_t value : {1048583u, 536903681u, 1073741789u, kPrime}) {
    const Modulus q(value);
    EXPECT_EQ(q.negated_inverse() * value, ~0u);
    EXPECT_EQ(q.montgomery_square(), q.to_montgomery(q.to_montgomery(1)));
    EXPECT_EQ(q.shoup_quotient(value - 1), (static_cast<uint64_t>(value - 1) << 32) / value);
    EXPECT_EQ(value >> q.barrett_shift(), 1u);
  }
}

TEST(Modulus, BarrettQuotientIsAtMostTwoShort) {
  std::mt19937_64 random(1);
  for (const uint32_t value : {1048583u, 536903681u, 1073741789u}) {
    const Modulus q(value);
    const uint64_t square = static_cast<uint64_t>(value) * value;
    for (int i = 0; i < 100'000; ++i) {
      const uint64_t x = i == 0 ? square - 1 : i == 1 ? square - value : random() % square;
      const uint64_t estimate = (x >> q.barrett_shift()) * q.barrett_factor() >> 32;
      ASSERT_LE(estimate, x / value);
      ASSERT_GE(estimate + 2, x / value);
    }
  }
}

TEST(Modulus, ArithmeticAgreesWithLongDivision) {
  std::mt19937_64 random(2);
  const Modulus q(kPrime);
  for (int i = 0; i < 1000; ++i) {
    const uint32_t a = static_cast<uint32_t>(random() % kPrime);
    const uint32_t b = static_cast<uint32_t>(random() % kPrime);
    EXPECT_EQ(q.add(a, b), (static_cast<uint64_t>(a) + b) % kPrime);
    EXPECT_EQ(q.add(q.subtract(a, b), b), a);
    EXPECT_EQ(q.add(a, q.negate(a)), 0u);
    EXPECT_EQ(q.multiply(a, b), static_cast<uint64_t>(a) * b % kPrime);
    EXPECT_EQ(q.multiply(a + (a == 0), q.inverse(a + (a == 0))), 1u);
  }
  EXPECT_EQ(q.negate(0), 0u);
  EXPECT_EQ(q.reduce(-1), kPrime - 1);
  EXPECT_EQ(q.reduce(INT64_MIN), q.negate(static_cast<uint32_t>((uint64_t{1} << 63) % kPrime)));
}

TEST(Primes, AgreeWithTrialDivision) {
  for (uint32_t n = 0; n < 5000; ++n) {
    bool prime = n >= 2;
    for (uint32_t d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    EXPECT_EQ(is_prime(n), prime) << n;
  }
  EXPECT_FALSE(is_prime(3215031751)) << "a strong pseudoprime to the bases 2, 3, 5 and 7";
  EXPECT_TRUE(is_prime(4294967291));
  EXPECT_FALSE(is_prime(4294967295));
}

TEST(Primes, AreRefusedWhereThereAreTooFew) {
  EXPECT_THROW(ntt_primes(1u << 30, 0, 1), Error);
  EXPECT_THROW(ntt_primes(1u << 30, 1u << 29, 3), Error);
  EXPECT_THROW(ntt_primes(0, 1u << 14, 1), Error);
}

TEST(Primes, AreTheLargestOfTheirKind) {
  const std::vector<uint32_t> primes = ntt_primes(1u << 30, 1u << 14, 6);
  ASSERT_EQ(primes.size(), 6u);
  EXPECT_EQ(primes[0], kPrime);
  std::vector<uint32_t> expected;
  for (uint32_t n = (1u << 30) - 1; expected.size() < 6; --n) {
    if (n % (1u << 14) == 1 && is_prime(n)) expected.push_back(n);
  }
  EXPECT_EQ(primes, expected);
  EXPECT_EQ(ntt_primes(kPrime, 1u << 14, 1)[0], primes[1]) << "`below` itself is excluded";
}

TEST(PrimitiveRoot, IsRefusedForAnOrderThatDoesNotDivide) {
  const Modulus q(kPrime);
  EXPECT_THROW(minimal_primitive_root(q, 1u << 20), Error);
  EXPECT_THROW(minimal_primitive_root(q, 3), Error);
  EXPECT_THROW(minimal_primitive_root(q, 0), Error);
}

TEST(PrimitiveRoot, IsTheSmallestOfItsOrder) {
  for (const uint32_t value : ntt_primes(1u << 21, 1u << 12, 2)) {
    const Modulus q(value);
    for (const uint32_t order : {2u, 16u, 4096u}) {
      uint32_t smallest = 2;
      while (q.power(smallest, order / 2) != value - 1) ++smallest;
      EXPECT_EQ(minimal_primitive_root(q, order), smallest) << value << ", order " << order;
    }
  }
}

}  // namespace
}  // namespace cryptotl
