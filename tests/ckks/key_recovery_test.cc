#include "cryptotl/ckks/key_recovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/real_encoder.h"
#include "cryptotl/ckks/release.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {
namespace {

constexpr double kAnswerScale = 0x1p30;
constexpr size_t kLimbs = 2;
constexpr size_t kBits = 40;  // of an answer
constexpr size_t kDropped = 7;
constexpr size_t kTries = 40;  // one answer in two serves: all fail with probability 2^-40

std::vector<int64_t> integers(std::span<const double> values) {
  std::vector<int64_t> out(values.size());
  std::ranges::transform(values, out.begin(), [](double value) { return std::llrint(value); });
  return out;
}

bool is_of(const std::optional<SecretBuffer<int8_t>>& found, const SecretKey& secret) {
  return found && std::ranges::equal(found->span(), secret.coefficients());
}

/// N = 8192 and primes of 30 bits, as the fast preset has them.
class KeyRecoveryTest : public testing::Test {
 protected:
  Ciphertext encrypted(uint64_t seed) const {
    return encrypt(secret_, encoder_.encode(random_slots(params_->slots(), seed), kAnswerScale), kAnswerScale,
                   kLimbs);
  }
  SwitchedCiphertext answer(uint64_t seed) const { return modulus_switch(encrypted(seed), kBits, kDropped); }
  std::vector<Complex> slots(const SwitchedCiphertext& of) const {
    return encoder_.decode(decrypt(secret_, of), of.scale);
  }

  ParamsPtr params_ = fast_params();
  SecretKey secret_ = SecretKey::generate(params_);
  Encoder encoder_{params_->log_n()};
};

TEST_F(KeyRecoveryTest, RefusesWhatIsNoDecryption) {
  const std::vector<int64_t> few(5);
  EXPECT_THROW(static_cast<void>(recover_secret(encrypted(1), few)), Error);
  EXPECT_THROW(static_cast<void>(recover_secret(answer(1), few)), Error);
  const std::vector<int64_t> whole(params_->n());
  EXPECT_THROW(static_cast<void>(recover_secret(Ciphertext(params_, secret_.id(), 3, kLimbs), whole)), Error);
}

TEST_F(KeyRecoveryTest, FindsNothingInADecryptionThatIsOneOff) {
  const Ciphertext ciphertext = encrypted(1);
  std::vector<int64_t> raw = integers(decrypt(secret_, ciphertext));
  ++raw[17];
  EXPECT_FALSE(recover_secret(ciphertext, raw));
  for (size_t i = 0; i < kTries; ++i) {
    const SwitchedCiphertext sent = answer(i);
    raw = integers(decrypt(secret_, sent));
    ++raw[17];
    EXPECT_FALSE(recover_secret(sent, raw));
  }
}

TEST_F(KeyRecoveryTest, FindsNothingWhereTheUniformHalfIsNotInvertible) {
  EXPECT_FALSE(
      recover_secret(Ciphertext(params_, secret_.id(), 2, kLimbs), std::vector<int64_t>(params_->n())));
}

TEST_F(KeyRecoveryTest, FindsTheKeyInTheRawDecryptionOfOneCiphertext) {
  const Ciphertext ciphertext = encrypted(1);
  EXPECT_TRUE(is_of(recover_secret(ciphertext, integers(decrypt(secret_, ciphertext))), secret_));
}

// Doubles carry enough of a slot for the integers behind it.
TEST_F(KeyRecoveryTest, FindsTheKeyInTheDecryptedSlotsOfOneCiphertext) {
  const Ciphertext ciphertext = encrypted(2);
  const std::vector<Complex> decrypted = encoder_.decode(decrypt(secret_, ciphertext), kAnswerScale);
  EXPECT_TRUE(is_of(recover_secret(ciphertext, encoder_.encode(decrypted, kAnswerScale)), secret_));
}

// The switch of an answer changes nothing: it rounds both parts, and what is decrypted is of the rounded
// ones.
TEST_F(KeyRecoveryTest, FindsTheKeyInTheDecryptedSlotsOfAFewAnswers) {
  bool found = false;
  for (size_t i = 0; i < kTries && !found; ++i) {
    const SwitchedCiphertext sent = answer(i);
    found = is_of(recover_secret(sent, encoder_.encode(slots(sent), sent.scale)), secret_);
  }
  EXPECT_TRUE(found);
}

TEST_F(KeyRecoveryTest, FindsTheKeyOfABatchInItsDecryptedSlots) {
  ParamsSpec spec = test_spec(13, 3);
  spec.ring = Ring::conjugate_invariant;
  spec.primes = ntt_primes(1u << 30, 4u << 13, 3);
  spec.special_primes = {spec.primes.front()};
  spec.primes.erase(spec.primes.begin());
  const ParamsPtr params = Params::create(spec).value();
  const SecretKey secret = SecretKey::generate(params);
  const RealEncoder encoder(params->log_n());
  bool found = false;
  for (size_t i = 0; i < kTries && !found; ++i) {
    std::vector<double> samples;
    for (const Complex& slot : random_slots(encoder.slots(), i)) samples.push_back(slot.real());
    const SwitchedCiphertext sent = modulus_switch(
        encrypt(secret, encoder.encode(samples, kAnswerScale), kAnswerScale, kLimbs), kBits, kDropped);
    const std::vector<double> decrypted = encoder.decode(decrypt(secret, sent), sent.scale);
    found = is_of(recover_secret(sent, encoder.encode(decrypted, sent.scale)), secret);
  }
  EXPECT_TRUE(found);
}

TEST_F(KeyRecoveryTest, FindsNothingInWhatReleaseLeaves) {
  const double error = 8 * slot_deviation(modulus_switch_noise(params_->n(), kDropped), params_->n());
  for (size_t i = 0; i < kTries; ++i) {
    const SwitchedCiphertext sent = answer(i);
    std::vector<double> numbers;
    for (const Complex& slot : slots(sent)) {
      numbers.push_back(slot.real());
      numbers.push_back(slot.imag());
    }
    const std::vector<double> released =
        release(numbers, error / sent.scale, {.releases = kTries, .bits = 1});
    std::vector<Complex> known(params_->slots());
    for (size_t k = 0; k < known.size(); ++k) known[k] = {released[2 * k], released[2 * k + 1]};
    EXPECT_FALSE(recover_secret(sent, encoder_.encode(known, sent.scale))) << i;
  }
}

}  // namespace
}  // namespace cryptotl
