#include "cryptotl/ckks/noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {
namespace {

constexpr double kNoiseScale = 0x1p40;
/// The squared modulus of a square in the slots has heavy tails: its deviation strays by 2 % at N = 8192.
constexpr double kOfSquares = 0.15;

/// Holds a measured deviation to a formula's. N samples stray by 1/sqrt(2N), below 1 %; the secret's own
/// length, which a formula takes at its mean, by as much again: 5 % is over five deviations of both.
void expect_close(double measured, double formula, double tolerance = 0.05) {
  EXPECT_NEAR(measured / formula, 1.0, tolerance) << "measured " << measured << ", formula " << formula;
}

class NoiseTest : public testing::Test {
 protected:
  explicit NoiseTest(size_t special = 1)
      : params_(wide_params(special)),
        n_(params_->n()),
        secret_(SecretKey::generate(params_)),
        evaluator_(params_) {
    const size_t limbs = params_->num_primes();
    const KeyRequest requests[] = {{kRelinearisation, limbs},
                                   {galois_element_of_rotation(1, params_->log_n()), limbs}};
    evaluator_.add_keys(make_evaluation_keys(secret_, requests));
  }

  std::vector<int64_t> encoded(uint64_t seed, double scale = kNoiseScale) {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    std::vector<Complex> values(n_ / 2);
    for (Complex& value : values) value = {uniform(generator), uniform(generator)};
    return evaluator_.encoder().encode(values, scale);
  }
  Ciphertext encrypted(std::span<const int64_t> coefficients, size_t limbs, double scale = kNoiseScale) {
    return encrypt(secret_, coefficients, scale, limbs);
  }
  static std::vector<double> doubles(std::span<const int64_t> values) {
    return {values.begin(), values.end()};
  }
  std::vector<double> noise(const Ciphertext& ciphertext, std::span<const double> expected) {
    return difference<double>(decrypt(secret_, ciphertext), expected);
  }
  /// The slots of a ciphertext, times its scale.
  std::vector<Complex> slots(const Ciphertext& ciphertext) {
    return evaluator_.encoder().decode(decrypt(secret_, ciphertext), 1);
  }
  std::vector<Complex> slots(std::span<const double> coefficients) {
    return evaluator_.encoder().decode(coefficients, 1);
  }

  ParamsPtr params_;
  size_t n_;
  SecretKey secret_;
  Evaluator evaluator_;
};

class SpecialPrimesNoiseTest : public NoiseTest, public testing::WithParamInterface<size_t> {
 protected:
  SpecialPrimesNoiseTest() : NoiseTest(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(SpecialPrimes, SpecialPrimesNoiseTest, testing::Values(1, 2, 3));

TEST_F(NoiseTest, RoundingAMessageHasTheDeviationOfAUniformUnit) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  std::vector<Complex> values(n_ / 2);
  for (Complex& value : values) value = {normal(generator), normal(generator)};
  const double scale = 0x1p30;
  const std::vector<int64_t> coefficients = evaluator_.encoder().encode(values, scale);
  const std::vector<Complex> back = evaluator_.encoder().decode(doubles(coefficients), scale);
  expect_close(scale * deviation(difference<Complex>(back, values)), slot_deviation(encoding_noise(), n_));
}

TEST_F(NoiseTest, FreshCiphertextsCarryTheErrorAlone) {
  const std::vector<int64_t> message = encoded(1);
  const std::vector<double> error = noise(encrypted(message, 5), doubles(message));
  expect_close(deviation(error), fresh_noise());
  expect_close(deviation(slots(error)), slot_deviation(fresh_noise(), n_));
}

TEST_P(SpecialPrimesNoiseTest, PublicKeyEncryptionRoundsBothParts) {
  const PublicKey key = make_public_key(secret_);
  const std::vector<int64_t> message = encoded(1);
  for (size_t limbs = 2; limbs <= 5; ++limbs) {
    const std::vector<double> error =
        noise(encrypt_public(key, message, kNoiseScale, limbs), doubles(message));
    expect_close(deviation(error), fresh_public_noise(n_));
    expect_close(deviation(slots(error)), slot_deviation(fresh_public_noise(n_), n_));
  }
}

TEST_F(NoiseTest, RescaleRoundsBothParts) {
  const std::vector<int64_t> message = encoded(1, 0x1p50);
  const Ciphertext fresh = encrypted(message, 3, 0x1p50);
  std::vector<double> expected = decrypt(secret_, fresh);
  for (double& value : expected) value /= params_->modulus(2).value();
  expect_close(deviation(noise(evaluator_.rescale(fresh), expected)), rescale_noise(n_));
}

TEST_F(NoiseTest, RescaleOfAProductGrowsWithTheSecretsSquare) {
  const Ciphertext a = encrypted(encoded(1, 0x1p35), 4);
  const Ciphertext b = encrypted(encoded(2, 0x1p35), 4);
  const Ciphertext product = evaluator_.multiply(a, b);
  std::vector<double> expected = decrypt(secret_, product);
  for (double& value : expected) value /= params_->modulus(3).value();
  // The square's length depends on few numbers more than the secret's: its own spread at N = 8192 is about 3
  // %.
  expect_close(deviation(noise(evaluator_.rescale(product), expected)), rescale_noise(n_, 2), 0.15);
}

TEST_F(NoiseTest, AModulusSwitchRoundsBothPartsEachToItsOwnUnit) {
  const std::vector<int64_t> message = encoded(1, 0x1p50);
  const Ciphertext fresh = encrypted(message, 2, 0x1p50);
  for (const size_t dropped : {0, 5, 8}) {
    const SwitchedCiphertext switched = modulus_switch(fresh, 36, dropped);
    std::vector<double> expected = decrypt(secret_, fresh);
    for (double& value : expected) value *= switched.scale / fresh.scale;
    const std::vector<double> added = difference<double>(decrypt(secret_, switched), expected);
    expect_close(deviation(added), modulus_switch_noise(n_, dropped));
    expect_close(deviation(slots(added)), slot_deviation(modulus_switch_noise(n_, dropped), n_));
  }
}

TEST_P(SpecialPrimesNoiseTest, KeySwitchingFollowsTheDigitsAtEveryLevel) {
  const std::vector<int64_t> message = encoded(1);
  for (size_t limbs = 2; limbs <= 5; ++limbs) {
    const Ciphertext a = encrypted(message, limbs);
    std::vector<Complex> expected = slots(a);
    std::rotate(expected.begin(), expected.begin() + 1, expected.end());
    const std::vector<Complex> added = difference<Complex>(slots(evaluator_.rotate(a, 1)), expected);
    expect_close(deviation(added), slot_deviation(key_switch_noise(*params_, limbs), n_));
    EXPECT_GT(key_switch_noise(*params_, limbs), extended_key_switch_noise(*params_, limbs));
  }
}

TEST_P(SpecialPrimesNoiseTest, RelinearisationAddsTheSameAsARotation) {
  const Ciphertext product =
      evaluator_.multiply(encrypted(encoded(1, 0x1p25), 5), encrypted(encoded(2, 0x1p25), 5));
  const std::vector<double> before = decrypt(secret_, product);
  expect_close(deviation(noise(evaluator_.relinearise(product), before)), key_switch_noise(*params_, 5));
}

TEST_F(NoiseTest, AProductCarriesEachFactorsNoiseTimesTheOther) {
  const std::vector<int64_t> message_a = encoded(1, 0x1p20);
  const std::vector<int64_t> message_b = encoded(2, 0x1p22);
  const std::vector<Complex> a = slots(doubles(message_a));
  const std::vector<Complex> b = slots(doubles(message_b));
  std::vector<Complex> expected(a.size());
  for (size_t k = 0; k < a.size(); ++k) expected[k] = a[k] * b[k];
  const Ciphertext product = evaluator_.multiply(encrypted(message_a, 4), encrypted(message_b, 4));
  const double fresh = slot_deviation(fresh_noise(), n_);
  expect_close(
      deviation(difference<Complex>(slots(product), expected)),
      product_slot_deviation(std::sqrt(2.0) * deviation(a), fresh, std::sqrt(2.0) * deviation(b), fresh));
}

TEST_F(NoiseTest, ASquareCarriesItsNoiseTwice) {
  for (const double scale : {0x1p5, 0x1p20}) {  // noise above the message, and far below it
    const std::vector<int64_t> message = encoded(3, scale);
    const std::vector<Complex> m = slots(doubles(message));
    std::vector<Complex> expected(m.size());
    for (size_t k = 0; k < m.size(); ++k) expected[k] = m[k] * m[k];
    const Ciphertext a = encrypted(message, 4);
    expect_close(deviation(difference<Complex>(slots(evaluator_.multiply(a, a)), expected)),
                 square_slot_deviation(std::sqrt(2.0) * deviation(m), slot_deviation(fresh_noise(), n_)),
                 kOfSquares);
  }
}

TEST_F(NoiseTest, APlaintextsRoundingMultipliesTheMessage) {
  const std::vector<int64_t> message = encoded(4, 0x1p35);
  const Ciphertext a = encrypted(message, 4);
  std::mt19937_64 generator(5);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<Complex> diagonal(n_ / 2);
  for (Complex& value : diagonal) value = {uniform(generator), uniform(generator)};
  const double scale = 0x1p20;
  const std::vector<Complex> m = slots(doubles(message));
  std::vector<Complex> expected(m.size());
  for (size_t k = 0; k < m.size(); ++k) expected[k] = m[k] * diagonal[k] * scale;
  const Ciphertext product = evaluator_.multiply_plain(a, evaluator_.encode(diagonal, scale, 4));
  expect_close(deviation(difference<Complex>(slots(product), expected)),
               product_slot_deviation(std::sqrt(2.0) * deviation(m), slot_deviation(fresh_noise(), n_),
                                      std::sqrt(2.0) * deviation(diagonal) * scale,
                                      slot_deviation(encoding_noise(), n_)));
}

}  // namespace
}  // namespace cryptotl
