#include "cryptotl/ckks/switched_ciphertext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

std::vector<int64_t> random_message(size_t n, uint64_t seed, double limit) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(-limit, limit);
  std::vector<int64_t> out(n);
  for (int64_t& value : out) value = static_cast<int64_t>(uniform(generator));
  return out;
}

double modulus(const Params& params, size_t limbs) {
  double product = 1;
  for (size_t i = 0; i < limbs; ++i) product *= params.modulus(i).value();
  return product;
}

class SwitchTest : public testing::Test {
 protected:
  Ciphertext encrypted(size_t limbs, double scale = 0x1p20) const {
    return encrypt(secret_, message_, scale, limbs);
  }
  ErrorCode code_of_switch(size_t bits, size_t dropped, size_t spare = 0) const {
    return code_of([&] { static_cast<void>(modulus_switch(encrypted(2), bits, dropped, spare)); });
  }

  ParamsPtr params_ = tiny_params();
  SecretKey secret_ = SecretKey::generate(params_);
  std::vector<int64_t> message_ = random_message(params_->n(), 1, 0x1p40);
};

TEST_F(SwitchTest, RefusesBitsOutOfBounds) {
  EXPECT_EQ(code_of_switch(0, 0), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_switch(63, 0), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_switch(~size_t{0}, 0), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_switch(30, 30), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_switch(62, 0, 31), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_switch(62, 0, ~size_t{0}), ErrorCode::invalid_argument);
  EXPECT_NO_THROW(modulus_switch(encrypted(2), 62, 61, 30));
}

TEST_F(SwitchTest, RefusesAModulusForWhichTheParametersHaveTooFewPrimes) {
  // Two primes hold N 2^(k+1) up to k = 58 - 1 - 7.
  const ParamsPtr few = InsecureParamsForTest::create(test_spec(7, 1, 1));
  EXPECT_TRUE(check_switch(*few, 50, 0).ok());
  EXPECT_FALSE(check_switch(*few, 51, 0).ok());
}

TEST_F(SwitchTest, RefusesOtherThanTwoParts) {
  Ciphertext product = encrypted(2);
  product.parts.push_back(product.parts[0]);
  EXPECT_EQ(code_of([&] { static_cast<void>(modulus_switch(product, 40, 0)); }), ErrorCode::invalid_argument);
}

TEST_F(SwitchTest, DecryptionRefusesAnotherKeyOtherParametersAndAModulusOutOfBounds) {
  SwitchedCiphertext switched = modulus_switch(encrypted(2), 40, 4);
  const auto code = [&](const SecretKey& key) {
    return code_of([&] { static_cast<void>(decrypt(key, switched)); });
  };
  EXPECT_EQ(code(SecretKey::generate(params_)), ErrorCode::parameter_mismatch);
  EXPECT_EQ(code(SecretKey::generate(tiny_params(3))), ErrorCode::parameter_mismatch);
  for (const size_t bits : {size_t{0}, size_t{4}, size_t{63}, size_t{64}, ~size_t{0}}) {
    switched.modulus_bits = bits;
    EXPECT_EQ(code(secret_), ErrorCode::invalid_argument) << bits;
  }
}

/// 2^d c_0 + c_1 s modulo 2^k, centred, in 64-bit words and from the definition.
std::vector<double> decrypted_by_definition(const SecretKey& secret, const SwitchedCiphertext& ciphertext) {
  const size_t n = ciphertext.c0.size();
  std::vector<uint64_t> sum(n);
  for (size_t j = 0; j < n; ++j) sum[j] = ciphertext.c0[j] << ciphertext.dropped_bits;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const auto s = static_cast<uint64_t>(int64_t{secret.coefficients()[j]});
      const uint64_t product = ciphertext.c1[i] * s;
      sum[(i + j) % n] += i + j < n ? product : -product;
    }
  }
  std::vector<double> out;
  const uint64_t half = uint64_t{1} << (ciphertext.modulus_bits - 1);
  for (const uint64_t value : sum) {
    const uint64_t rest = value & (2 * half - 1);
    out.push_back(rest >= half ? -static_cast<double>(2 * half - rest) : static_cast<double>(rest));
  }
  return out;
}

TEST_F(SwitchTest, HoldsItsProductsInAsManyPrimesAsTheirBitsAsk) {
  // N 2^(k+1) = 2^(k+8), below the product of primes above 2^29, or above 2^25.
  const ParamsPtr wide = minute_params(3), narrow = minute_params(3, 1, 26);
  EXPECT_EQ(switch_primes(*wide, 21), 1u);
  EXPECT_EQ(switch_primes(*wide, 22), 2u);
  EXPECT_EQ(switch_primes(*narrow, 17), 1u);
  EXPECT_EQ(switch_primes(*narrow, 18), 2u);
  EXPECT_EQ(switch_primes(*narrow, 92), 4u) << "the special one, too";
  EXPECT_EQ(switch_primes(*narrow, 93), 0u);
}

/// By bits of the primes.
class SwitchDecryption : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Bits, SwitchDecryption, testing::Values(26, 30));

TEST_P(SwitchDecryption, IsExactForEveryModulusAndTheLargestNumbers) {
  const ParamsPtr params = minute_params(3, 1, GetParam());
  const SecretKey secret = SecretKey::generate(params);
  const SecretKey ones =
      SecretKey::from_coefficients(params, secret.id(), std::vector<int8_t>(params->n(), 1));
  std::mt19937_64 generator(1);
  for (size_t bits = 1; bits <= kMaxSwitchedBits; ++bits) {
    const size_t dropped = bits / 3;
    const uint64_t largest = ~uint64_t{0} >> (64 - bits);
    SwitchedCiphertext random{params, secret.id(), 1, bits, dropped, {}, {}};
    for (size_t j = 0; j < params->n(); ++j) {
      random.c0.push_back(generator() & (largest >> dropped));
      random.c1.push_back(generator() & largest);
    }
    EXPECT_EQ(decrypt(secret, random), decrypted_by_definition(secret, random)) << bits;
    // c_1 s reaches N (2^k - 1).
    const std::vector<uint64_t> all(params->n(), largest);
    const SwitchedCiphertext extreme{params, secret.id(), 1, bits, 0, all, all};
    EXPECT_EQ(decrypt(ones, extreme), decrypted_by_definition(ones, extreme)) << bits;
  }
}

TEST_F(SwitchTest, DividesByTheModulusAndRoundsOnce) {
  for (size_t limbs = 1; limbs <= 4; ++limbs) {
    const Ciphertext ciphertext = encrypted(limbs);
    for (const size_t bits : {size_t{5}, size_t{20}, size_t{33}}) {
      const size_t dropped = bits / 4;
      const SwitchedCiphertext switched = modulus_switch(ciphertext, bits, dropped);
      for (size_t part = 0; part < 2; ++part) {
        RnsPolynomial coefficients = ciphertext.parts[part];
        for (size_t i = 0; i < limbs; ++i) kernels().ntt_inverse(coefficients.limb(i), params_->tables(i));
        const std::vector<double> exact = centred_coefficients(*params_, coefficients);
        const size_t kept = part == 0 ? bits - dropped : bits;
        const double units = std::exp2(kept);
        for (size_t j = 0; j < exact.size(); ++j) {
          const auto got = static_cast<double>((part == 0 ? switched.c0 : switched.c1)[j]);
          const double wrong = std::remainder(got - exact[j] / modulus(*params_, limbs) * units, units);
          ASSERT_LT(got, units);
          ASSERT_LE(std::abs(wrong), 0.5 + 1e-5) << limbs << " limbs, " << bits << " bits, part " << part;
        }
      }
    }
  }
}

TEST_F(SwitchTest, KeepsTheMessageAtTheNewScale) {
  for (size_t limbs = 2; limbs <= 4; ++limbs) {
    const SwitchedCiphertext switched = modulus_switch(encrypted(limbs), 40, 3);
    const double factor = 0x1p40 / modulus(*params_, limbs);
    EXPECT_NEAR(switched.scale, 0x1p20 * factor, 0x1p20 * factor * 1e-12);
    const std::vector<double> back = decrypt(secret_, switched);
    for (size_t j = 0; j < back.size(); ++j) {
      EXPECT_NEAR(back[j], static_cast<double>(message_[j]) * factor,
                  8 * modulus_switch_noise(params_->n(), 3) + 21 * factor);
    }
  }
}

TEST_F(SwitchTest, SpareBitsAreTheHighestAndChangeNoneBelow) {
  // 2^40 leaves 49 of 90 bits unused.
  const Ciphertext ciphertext = encrypted(3);
  const SwitchedCiphertext all = modulus_switch(ciphertext, 62, 6);
  const SwitchedCiphertext low = modulus_switch(ciphertext, 42, 6, 20);
  EXPECT_EQ(low.scale, all.scale);
  for (size_t j = 0; j < params_->n(); ++j) {
    EXPECT_EQ(low.c0[j], all.c0[j] & ((uint64_t{1} << 36) - 1));
    EXPECT_EQ(low.c1[j], all.c1[j] & ((uint64_t{1} << 42) - 1));
  }
  EXPECT_EQ(decrypt(secret_, low), decrypt(secret_, all));
}

}  // namespace
}  // namespace cryptotl
