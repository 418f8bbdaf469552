// Laws that hold for all ciphertexts, tried on random ones; CRYPTOTL_PROPERTY_CASES says how many.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/ckks/wire.h"

namespace cryptotl {
namespace {

constexpr size_t kLimbs = 4;

class Property : public testing::Test {
 protected:
  explicit Property(size_t special = 1)
      : params_(tiny_params(kLimbs, special)), secret_(SecretKey::generate(params_)), evaluator_(params_) {
    std::vector<KeyRequest> requests = {{kRelinearisation, kLimbs},
                                        {galois_element_of_conjugation(params_->log_n()), kLimbs}};
    for (int step = 1; step <= 8; ++step)
      requests.push_back({galois_element_of_rotation(step, params_->log_n()), kLimbs});
    evaluator_.add_keys(make_evaluation_keys(secret_, requests));
  }

  /// Calls law(generator) for as many cases as asked for; a failure names its case, which alone repeats it.
  template <typename Law>
  void for_all(const Law& law) {
    for (size_t number = 0; number < property_cases() && !HasFailure(); ++number) {
      SCOPED_TRACE("case " + std::to_string(number));
      std::mt19937_64 generator(number);
      law(generator);
    }
  }

  static size_t between(std::mt19937_64& generator, size_t low, size_t high) {
    return low + generator() % (high - low + 1);
  }
  Ciphertext random(std::mt19937_64& generator, size_t limbs, double scale) {
    return encrypt(secret_, evaluator_.encoder().encode(random_slots(params_->slots(), generator()), scale),
                   scale, limbs);
  }
  std::vector<double> decrypted(const Ciphertext& a) const { return decrypt(secret_, a); }
  /// Root mean square of the difference of two ciphertexts' coefficients.
  double distance(const Ciphertext& a, const Ciphertext& b) const {
    return deviation(difference<double>(decrypted(a), decrypted(b)));
  }
  static void expect_equal(const Ciphertext& a, const Ciphertext& b) {
    ASSERT_EQ(a.parts.size(), b.parts.size());
    ASSERT_EQ(a.num_limbs(), b.num_limbs());
    EXPECT_EQ(a.scale, b.scale);
    for (size_t part = 0; part < a.parts.size(); ++part) {
      for (size_t i = 0; i < a.num_limbs(); ++i)
        EXPECT_TRUE(std::ranges::equal(a.parts[part].limb_span(i), b.parts[part].limb_span(i)));
    }
  }

  /// Noise of N = 1024 coefficients strays by 2 %, as does the secret's length: half as much again is never
  /// reached.
  static constexpr double kMargin = 1.5;

  ParamsPtr params_;
  SecretKey secret_;
  Evaluator evaluator_;
};

/// The laws that key switching has a part in, for each number of special primes.
class KeySwitchingProperty : public Property, public testing::WithParamInterface<size_t> {
 protected:
  KeySwitchingProperty() : Property(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(SpecialPrimes, KeySwitchingProperty, testing::Values(1, 2, 3));

TEST_F(Property, DecryptionOfASumIsTheSumOfDecryptions) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 2, kLimbs);
    const Ciphertext a = random(generator, limbs, 0x1p40);
    const Ciphertext b = random(generator, limbs, 0x1p40);
    std::vector<double> sum = decrypted(a);
    std::vector<double> rest = sum;
    const std::vector<double> other = decrypted(b);
    for (size_t j = 0; j < sum.size(); ++j) {
      sum[j] += other[j];
      rest[j] -= other[j];
    }
    EXPECT_EQ(decrypted(evaluator_.add(a, b)), sum);
    EXPECT_EQ(decrypted(evaluator_.subtract(a, b)), rest);
  });
}

TEST_F(Property, AdditionAndMultiplicationCommuteAndDistribute) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 1, kLimbs);
    const Ciphertext a = random(generator, limbs, 0x1p20);
    const Ciphertext b = random(generator, limbs, 0x1p20);
    const Ciphertext c = random(generator, limbs, 0x1p20);
    expect_equal(evaluator_.add(a, b), evaluator_.add(b, a));
    expect_equal(evaluator_.add(evaluator_.add(a, b), c), evaluator_.add(a, evaluator_.add(b, c)));
    expect_equal(evaluator_.multiply(a, b), evaluator_.multiply(b, a));
    expect_equal(evaluator_.multiply(evaluator_.add(a, b), c),
                 evaluator_.add(evaluator_.multiply(a, c), evaluator_.multiply(b, c)));
    expect_equal(evaluator_.negate(evaluator_.negate(a)), a);
    EXPECT_THAT(decrypted(evaluator_.subtract(a, a)), testing::Each(0.0));
  });
}

TEST_F(Property, DroppingLimbsCommutesWithArithmetic) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 1, kLimbs);
    const Ciphertext a = random(generator, kLimbs, 0x1p20);
    const Ciphertext b = random(generator, kLimbs, 0x1p20);
    const auto drop = [&](const Ciphertext& ciphertext) { return evaluator_.mod_drop(ciphertext, limbs); };
    expect_equal(drop(evaluator_.add(a, b)), evaluator_.add(drop(a), drop(b)));
    expect_equal(drop(evaluator_.multiply(a, b)), evaluator_.multiply(drop(a), drop(b)));
  });
}

TEST_F(Property, RescalingIsLinearUpToRounding) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 3, kLimbs);
    const Ciphertext a = random(generator, limbs, 0x1p50);
    const Ciphertext b = random(generator, limbs, 0x1p50);
    const Ciphertext of_sum = evaluator_.rescale(evaluator_.add(a, b));
    const Ciphertext sum = evaluator_.add(evaluator_.rescale(a), evaluator_.rescale(b));
    EXPECT_LT(distance(of_sum, sum), kMargin * std::sqrt(3.0) * rescale_noise(params_->n()));
  });
}

TEST_P(KeySwitchingProperty, RelinearisationChangesNothingButItsNoise) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 2, kLimbs);
    const Ciphertext product =
        evaluator_.multiply(random(generator, limbs, 0x1p20), random(generator, limbs, 0x1p20));
    EXPECT_LT(distance(evaluator_.relinearise(product), product),
              kMargin * key_switch_noise(*params_, limbs));
  });
}

TEST_P(KeySwitchingProperty, RotationsAddUpAndConjugationIsItsOwnInverse) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 2, kLimbs);
    const Ciphertext a = random(generator, limbs, 0x1p40);
    const int first = static_cast<int>(between(generator, 1, 4));
    const int second = static_cast<int>(between(generator, 1, 4));
    const double noise = kMargin * key_switch_noise(*params_, limbs);
    EXPECT_LT(distance(evaluator_.rotate(evaluator_.rotate(a, first), second),
                       evaluator_.rotate(a, first + second)),
              std::sqrt(3.0) * noise);
    EXPECT_LT(distance(evaluator_.conjugate(evaluator_.conjugate(a)), a), std::sqrt(2.0) * noise);
    EXPECT_LT(distance(evaluator_.conjugate(evaluator_.rotate(a, first)),
                       evaluator_.rotate(evaluator_.conjugate(a), first)),
              2 * noise);
  });
}

TEST_P(KeySwitchingProperty, RotationsDistributeOverSumsAndProducts) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 2, kLimbs);
    const Ciphertext a = random(generator, limbs, 0x1p22);
    const Ciphertext b = random(generator, limbs, 0x1p22);
    const int step = static_cast<int>(between(generator, 1, 8));
    const auto rotated = [&](const Ciphertext& ciphertext) { return evaluator_.rotate(ciphertext, step); };
    const double noise = key_switch_noise(*params_, limbs);
    EXPECT_LT(distance(rotated(evaluator_.add(a, b)), evaluator_.add(rotated(a), rotated(b))),
              kMargin * std::sqrt(3.0) * noise);
    // Each factor's switching noise meets the other factor: in the slots, and then per coefficient again.
    const double magnitude = std::sqrt(2.0 / 3.0) * 0x1p22;
    const double in_slots = slot_deviation(noise, params_->n());
    const double product =
        product_slot_deviation(magnitude, in_slots, magnitude, in_slots) / slot_deviation(1, params_->n());
    EXPECT_LT(distance(rotated(evaluator_.relinearise(evaluator_.multiply(a, b))),
                       evaluator_.multiply(rotated(a), rotated(b))),
              kMargin * product);
  });
}

TEST_F(Property, ThePlaintextsWayAgreesWithTheCiphertexts) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 2, kLimbs);
    const std::vector<Complex> slots = random_slots(params_->slots(), generator());
    const Ciphertext a = random(generator, limbs, 0x1p20);
    const Plaintext plain = evaluator_.encode(slots, 0x1p20, limbs);
    const Ciphertext hidden = encrypt(secret_, evaluator_.encoder().encode(slots, 0x1p20), 0x1p20, limbs);
    EXPECT_LT(distance(evaluator_.add_plain(a, plain), evaluator_.add(a, hidden)), kMargin * fresh_noise());
    const double magnitude = std::sqrt(2.0 / 3.0) * 0x1p20;
    EXPECT_LT(distance(evaluator_.multiply_plain(a, plain), evaluator_.multiply(a, hidden)),
              kMargin * fresh_noise() * magnitude);
  });
}

TEST_F(Property, TheWireGivesBackEveryCiphertext) {
  for_all([&](std::mt19937_64& generator) {
    const size_t limbs = between(generator, 1, kLimbs);
    const Ciphertext a = random(generator, limbs, 0x1p20);
    expect_equal(read_ciphertext(write_ciphertext(a), params_).value(), a);
    const Ciphertext product = evaluator_.multiply(a, a);
    expect_equal(read_ciphertext(write_ciphertext(product), params_).value(), product);
  });
}

}  // namespace
}  // namespace cryptotl
