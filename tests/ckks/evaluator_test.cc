#include "cryptotl/ckks/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {
namespace {

constexpr double kScale = 0x1p40;

struct Size {
  size_t log_n, special;
};

std::string name_of(const Size& size) {
  return "LogN" + std::to_string(size.log_n) + "Special" + std::to_string(size.special);
}

void PrintTo(const Size& size, std::ostream* out) { *out << name_of(size); }

class EvaluatorTest : public testing::TestWithParam<Size> {
 protected:
  EvaluatorTest()
      : params_(InsecureParamsForTest::create(test_spec(GetParam().log_n, 5, 2, GetParam().special))),
        secret_(SecretKey::generate(params_)),
        evaluator_(params_) {
    const size_t limbs = params_->num_primes();
    const size_t log_n = params_->log_n();
    std::vector<KeyRequest> requests = {{kRelinearisation, limbs},
                                        {galois_element_of_conjugation(log_n), limbs}};
    for (const int step : {1, 2, 3, 5, -1})
      requests.push_back({galois_element_of_rotation(step, log_n), limbs});
    evaluator_.add_keys(make_evaluation_keys(secret_, requests));
    x_ = random_slots(params_->slots(), 1);
    y_ = random_slots(params_->slots(), 2);
  }

  Ciphertext encrypted(std::span<const Complex> values, double scale = kScale) const {
    return encrypt(secret_, evaluator_.encoder().encode(values, scale), scale, params_->num_primes());
  }
  std::vector<Complex> decrypted(const Ciphertext& ciphertext) const {
    return evaluator_.encoder().decode(decrypt(secret_, ciphertext), ciphertext.scale);
  }
  std::vector<Complex> rotated(std::span<const Complex> values, int steps) const {
    const auto n = static_cast<int>(values.size());
    std::vector<Complex> out(values.size());
    for (int i = 0; i < n; ++i)
      out[static_cast<size_t>(i)] = values[static_cast<size_t>(((i + steps) % n + n) % n)];
    return out;
  }

  ParamsPtr params_;
  SecretKey secret_;
  Evaluator evaluator_;
  std::vector<Complex> x_, y_;
};

TEST_P(EvaluatorTest, RefusesOperandsAtDifferentScales) {
  const Ciphertext a = encrypted(x_);
  const Ciphertext b = encrypted(y_, kScale * 2);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.add(a, b)); }), ErrorCode::scale_mismatch);
}

TEST_P(EvaluatorTest, RefusesOperandsAtDifferentLevels) {
  const Ciphertext a = encrypted(x_);
  const Ciphertext b = evaluator_.mod_drop(a, 2);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.multiply(a, b)); }), ErrorCode::level_exhausted);
}

TEST_P(EvaluatorTest, RefusesOperandsUnderDifferentKeys) {
  const SecretKey other = SecretKey::generate(params_);
  const Ciphertext a = encrypted(x_);
  const Ciphertext b = encrypt(other, evaluator_.encoder().encode(y_, kScale), kScale, params_->num_primes());
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.add(a, b)); }), ErrorCode::parameter_mismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(decrypt(secret_, b)); }), ErrorCode::parameter_mismatch);
}

TEST_P(EvaluatorTest, RefusesARotationWithoutItsKey) {
  const Ciphertext a = encrypted(x_);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.rotate(a, 7)); }), ErrorCode::missing_key);
}

TEST_P(EvaluatorTest, RefusesToMoveAProductBeforeItsRelinearisation) {
  const Ciphertext product = evaluator_.multiply(encrypted(x_), encrypted(y_));
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.rotate(product, 1)); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.conjugate(product)); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.multiply(product, product)); }),
            ErrorCode::invalid_argument);
}

TEST_P(EvaluatorTest, RefusesOperandsUnderOtherParameters) {
  const ParamsPtr other = tiny_params(3);
  const Ciphertext foreign = encrypt(SecretKey::generate(other), std::vector<int64_t>(other->n()), kScale, 3);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.negate(foreign)); }), ErrorCode::parameter_mismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(decrypt(secret_, foreign)); }), ErrorCode::parameter_mismatch);
}

TEST_P(EvaluatorTest, RefusesToRescaleTheLastLimb) {
  const Ciphertext a = evaluator_.mod_drop(encrypted(x_), 1);
  EXPECT_EQ(code_of([&] { static_cast<void>(evaluator_.rescale(a)); }), ErrorCode::level_exhausted);
}

TEST_P(EvaluatorTest, DecryptsWhatWasEncrypted) {
  EXPECT_LT(max_difference(decrypted(encrypted(x_)), x_), 1e-8);
}

TEST_P(EvaluatorTest, DecryptsWhatWasEncryptedWithThePublicKey) {
  const PublicKey key = make_public_key(secret_);
  const Ciphertext a =
      encrypt_public(key, evaluator_.encoder().encode(x_, kScale), kScale, params_->num_primes());
  EXPECT_LT(max_difference(decrypted(a), x_), 1e-6);
  EXPECT_GT(max_difference(decrypted(a), x_), 0.0);
}

TEST_P(EvaluatorTest, AddsSubtractsAndNegates) {
  const Ciphertext a = encrypted(x_);
  const Ciphertext b = encrypted(y_);
  std::vector<Complex> sum(x_.size()), difference(x_.size()), negative(x_.size());
  for (size_t i = 0; i < x_.size(); ++i) {
    sum[i] = x_[i] + y_[i];
    difference[i] = x_[i] - y_[i];
    negative[i] = -x_[i];
  }
  EXPECT_LT(max_difference(decrypted(evaluator_.add(a, b)), sum), 1e-8);
  EXPECT_LT(max_difference(decrypted(evaluator_.subtract(a, b)), difference), 1e-8);
  EXPECT_LT(max_difference(decrypted(evaluator_.negate(a)), negative), 1e-8);
}

TEST_P(EvaluatorTest, MultipliesRelinearisesAndRescales) {
  const Ciphertext product = evaluator_.multiply(encrypted(x_), encrypted(y_));
  std::vector<Complex> expected(x_.size());
  for (size_t i = 0; i < x_.size(); ++i) expected[i] = x_[i] * y_[i];
  EXPECT_EQ(product.parts.size(), 3u);
  EXPECT_LT(max_difference(decrypted(product), expected), 1e-7);
  const Ciphertext relinearised = evaluator_.relinearise(product);
  EXPECT_EQ(relinearised.parts.size(), 2u);
  EXPECT_LT(max_difference(decrypted(relinearised), expected), 1e-7);
  const Ciphertext rescaled = evaluator_.rescale(relinearised);
  EXPECT_EQ(rescaled.num_limbs(), params_->num_primes() - 1);
  EXPECT_LT(max_difference(decrypted(rescaled), expected), 1e-7);
}

TEST_P(EvaluatorTest, AddsAndMultipliesPlaintexts) {
  const size_t limbs = params_->num_primes();
  const Ciphertext a = encrypted(x_);
  std::vector<Complex> sum(x_.size()), product(x_.size());
  for (size_t i = 0; i < x_.size(); ++i) {
    sum[i] = x_[i] + y_[i];
    product[i] = x_[i] * y_[i];
  }
  EXPECT_LT(max_difference(decrypted(evaluator_.add_plain(a, evaluator_.encode(y_, kScale, limbs))), sum),
            1e-8);
  EXPECT_LT(
      max_difference(decrypted(evaluator_.multiply_plain(a, evaluator_.encode(y_, 0x1p30, limbs))), product),
      1e-6);
}

TEST_P(EvaluatorTest, RotatesAtEveryLevelAndHoisted) {
  const Ciphertext a = encrypted(x_);
  const int steps[] = {1, 2, 3, 5, -1, 0};
  const std::vector<Ciphertext> hoisted = evaluator_.rotate_hoisted(a, steps);
  for (size_t i = 0; i < std::size(steps); ++i) {
    EXPECT_LT(max_difference(decrypted(hoisted[i]), rotated(x_, steps[i])), 1e-6) << steps[i];
  }
  for (size_t limbs = params_->num_primes(); limbs >= 2; --limbs) {
    EXPECT_LT(max_difference(decrypted(evaluator_.rotate(evaluator_.mod_drop(a, limbs), 3)), rotated(x_, 3)),
              1e-6);
  }
}

TEST_P(EvaluatorTest, RotationsComposeAndConjugationUndoesItself) {
  const Ciphertext a = encrypted(x_);
  EXPECT_LT(max_difference(decrypted(evaluator_.rotate(evaluator_.rotate(a, 2), 3)),
                           decrypted(evaluator_.rotate(a, 5))),
            1e-6);
  std::vector<Complex> conjugated(x_.size());
  for (size_t i = 0; i < x_.size(); ++i) conjugated[i] = std::conj(x_[i]);
  EXPECT_LT(max_difference(decrypted(evaluator_.conjugate(a)), conjugated), 1e-6);
  EXPECT_LT(max_difference(decrypted(evaluator_.conjugate(evaluator_.conjugate(a))), x_), 1e-6);
}

// Five limbs are five digits of one prime, three of at most two, two of at most three, or two of at most
// four.
INSTANTIATE_TEST_SUITE_P(TinyAndFast, EvaluatorTest,
                         testing::Values(Size{10, 1}, Size{10, 2}, Size{10, 3}, Size{10, 4}, Size{13, 1},
                                         Size{13, 2}),
                         [](const auto& test) { return name_of(test.param); });

}  // namespace
}  // namespace cryptotl
