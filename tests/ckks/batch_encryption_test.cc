#include "cryptotl/ckks/batch_encryption.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "cryptotl/ckks/evaluator.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/ckks/zero_encryption.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

constexpr double kBatchScale = 0x1p40;

ParamsPtr real_params(size_t primes = 3) {
  ParamsSpec spec;
  spec.ring = Ring::conjugate_invariant;
  spec.log_n = 13;
  spec.primes = ntt_primes(1u << 30, 4u << 13, primes + 1);
  spec.special_primes = {spec.primes.front()};
  spec.primes.erase(spec.primes.begin());
  spec.base_limbs = 2;
  return Params::create(spec).value();
}

Matrix random_samples(size_t rows, size_t cols) {
  std::mt19937_64 generator(rows * cols);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Matrix out(rows, cols);
  for (double& value : out.values) value = uniform(generator);
  return out;
}

/// A row as a ciphertext in NTT form.
Ciphertext ciphertext_of(const BatchKey& key, const EncryptedBatch& batch, size_t row, size_t limbs) {
  const ParamsPtr params = key.secret().params();
  Ciphertext out(params, key.secret().id(), 2, limbs);
  out.scale = kBatchScale;
  out.parts[0] = batch.row(row);
  for (size_t i = 0; i < limbs; ++i) {
    expand_batch_row(*params, batch.place(row), i, out.parts[1].limb_span(i));
    for (RnsPolynomial& part : out.parts) kernels().ntt_forward(part.limb(i), params->tables(i));
  }
  return out;
}

double largest_error(std::span<const double> got, std::span<const double> wanted) {
  double largest = 0;
  for (size_t i = 0; i < wanted.size(); ++i) largest = std::max(largest, std::abs(got[i] - wanted[i]));
  return largest;
}

TEST(RealEncoder, HoldsARealNumberInEverySlot) {
  const RealEncoder encoder(10);
  EXPECT_EQ(encoder.slots(), 1024u);
  const Matrix values = random_samples(1, 1024);
  const std::vector<int64_t> coefficients = encoder.encode(values.row(0), kBatchScale);
  ASSERT_EQ(coefficients.size(), 1024u);
  const std::vector<double> back =
      encoder.decode(std::vector<double>(coefficients.begin(), coefficients.end()), kBatchScale);
  EXPECT_LT(largest_error(back, values.row(0)), 1e-9);
  EXPECT_THROW(encoder.encode(std::vector<double>(1025), 1), Error);
}

TEST(BatchEncryption, RowsDecryptToTheirSamplesAndMultiplySlotwise) {
  const ParamsPtr params = real_params();
  BatchKey key(params, batch_seed(Digest{}, 0));
  const Matrix samples = random_samples(3, params->slots());
  const EncryptedBatch batch = key.encrypt(samples, kBatchScale, 3);
  const RealEncoder encoder(params->log_n());
  Ciphertext a = ciphertext_of(key, batch, 0, 3);
  const Ciphertext b = ciphertext_of(key, batch, 2, 3);
  EXPECT_LT(largest_error(encoder.decode(decrypt(key.secret(), a), kBatchScale), samples.row(0)), 1e-8);

  // The product of ciphertexts is that of slots: relinearised, it decrypts to it.
  const KeyRequest relinearisation{kRelinearisation, 3};
  const EvaluationKeys keys = make_evaluation_keys(key.secret(), {&relinearisation, 1});
  Evaluator evaluator(params);
  evaluator.add_keys(keys);
  const Ciphertext product = evaluator.rescale(evaluator.relinearise(evaluator.multiply(a, b)));
  std::vector<double> expected(params->slots());
  for (size_t i = 0; i < expected.size(); ++i) expected[i] = samples(0, i) * samples(2, i);
  EXPECT_LT(largest_error(encoder.decode(decrypt(key.secret(), product), product.scale), expected), 1e-7);
}

TEST(BatchEncryption, ARowIsTheSameEveryTimeAndNoOtherIs) {
  const ParamsPtr params = real_params();
  BatchKey key(params, batch_seed(Digest{}, 0));
  const Matrix samples = random_samples(2, 10);
  const EncryptedBatch first = key.encrypt(samples, kBatchScale, 3);
  const EncryptedBatch second = key.encrypt(samples, kBatchScale, 3);
  EXPECT_EQ(first.number(), 0u);
  EXPECT_EQ(second.number(), 1u);
  const auto words = [](const RnsPolynomial& p) {
    return std::vector<uint32_t>(p.limb_span(0).begin(), p.limb_span(0).end());
  };
  EXPECT_EQ(words(first.row(1)), words(first.row(1)));
  EXPECT_NE(words(first.row(1)), words(second.row(1)));
  std::vector<std::vector<uint32_t>> halves;
  const Digest other = batch_seed(Digest{}, 1);
  for (const BatchRow& place : {first.place(0), first.place(1), second.place(0), BatchRow{other, 0, 0}}) {
    halves.emplace_back(params->n());
    expand_batch_row(*params, place, 0, halves.back());
  }
  std::ranges::sort(halves);
  EXPECT_EQ(std::ranges::adjacent_find(halves), halves.end());
}

TEST(BatchEncryption, FewerSamplesAreFilledUpWithTheirOwn) {
  const ParamsPtr params = real_params();
  BatchKey key(params, batch_seed(Digest{}, 0));
  const Matrix samples = random_samples(2, 3);
  const EncryptedBatch batch = key.encrypt(samples, kBatchScale, 2);
  std::vector<std::vector<double>> slots;
  for (size_t row = 0; row < 2; ++row) {
    slots.push_back(RealEncoder(params->log_n())
                        .decode(decrypt(key.secret(), ciphertext_of(key, batch, row, 2)), kBatchScale));
  }
  for (size_t i = 3; i < params->slots(); ++i) {
    const auto same = [&](size_t sample) {
      return std::abs(slots[0][i] - samples(0, sample)) < 1e-7 &&
             std::abs(slots[1][i] - samples(1, sample)) < 1e-7;
    };
    ASSERT_TRUE(same(0) || same(1) || same(2)) << "slot " << i;
  }
}

TEST(BatchEncryption, NoSlotOfItsSecretIsLarge) {
  const ParamsPtr params = real_params();
  const RealEncoder encoder(params->log_n());
  const double deviation = std::sqrt(4.0 / 3 * 8192);
  for (int i = 0; i < 3; ++i) {
    const BatchKey key(params, Digest{});
    const auto coefficients = key.secret().coefficients();
    const std::vector<double> slots =
        encoder.decode(std::vector<double>(coefficients.begin(), coefficients.end()), 1);
    double largest = 0, squares = 0;
    for (const double slot : slots) {
      largest = std::max(largest, std::abs(slot));
      squares += slot * slot;
    }
    EXPECT_LE(largest, kSecretSlotBound * deviation);
    EXPECT_NEAR(largest, encoder.largest_slot(coefficients), 1e-6);
    EXPECT_NEAR(std::sqrt(squares / 8192), deviation, 0.05 * deviation);
  }
}

TEST(BatchEncryption, RefusesOtherRingsAndTooManySamples) {
  ParamsSpec spec = real_params()->spec();
  spec.ring = Ring::cyclotomic;
  EXPECT_THROW(BatchKey(Params::create(spec).value(), Digest{}), Error);
  BatchKey key(real_params(), Digest{});
  EXPECT_THROW(key.encrypt(Matrix(1, 0), kBatchScale, 2), Error);
  EXPECT_THROW(key.encrypt(Matrix(1, key.secret().params()->slots() + 1), kBatchScale, 2), Error);
}

TEST(BatchEncryption, RowsComeBackFromTheWireOrAreRefused) {
  const ParamsPtr params = real_params();
  BatchKey key(params, batch_seed(Digest{}, 3));
  const EncryptedBatch batch = key.encrypt(random_samples(2, 5), kBatchScale, 3);
  const RnsPolynomial c0 = batch.row(1);
  const Bytes bytes = write_batch_row(*params, key.secret().id(), batch.place(1), c0);
  ASSERT_EQ(bytes.size(), batch_row_bytes(*params, 3));
  RnsPolynomial read(params->n(), 3);
  std::vector<uint32_t*> out = {read.limb(0), read.limb(1), read.limb(2)};
  KeyId id{};
  const auto place = read_batch_row(bytes, *params, out, &id);
  ASSERT_TRUE(place.ok()) << place.error().what();
  EXPECT_EQ(*place, batch.place(1));
  EXPECT_EQ(id, key.secret().id());
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(std::ranges::equal(read.limb_span(i), c0.limb_span(i)));

  EXPECT_FALSE(read_batch_row(ByteView(bytes).first(bytes.size() - 1), *params, out).ok());
  out.pop_back();
  EXPECT_FALSE(read_batch_row(bytes, *params, out).ok()) << "another number of limbs";
  out.push_back(read.limb(2));
  for (const size_t at : {size_t{0}, size_t{20}, kHeaderBytes + 3, kHeaderBytes + 40, bytes.size() - 1}) {
    Bytes damaged = bytes;
    damaged[at] ^= 1;
    EXPECT_FALSE(read_batch_row(damaged, *params, out).ok()) << "byte " << at;
  }
  RnsPolynomial wrong = c0;
  wrong.limb(1)[77] = params->modulus(1).value();
  const auto refused = read_batch_row(write_batch_row(*params, id, batch.place(1), wrong), *params, out);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(std::string(refused.error().what()).find("limb 1"), std::string::npos);
}

TEST(ZeroEncryption, LeavesTheMessageAndChangesEveryPart) {
  const ParamsPtr params = real_params();
  BatchKey key(params, batch_seed(Digest{}, 0));
  const Matrix samples = random_samples(1, params->slots());
  const EncryptedBatch batch = key.encrypt(samples, kBatchScale, 2);
  const ZeroEncryption zero(make_public_key(key.secret()), 2);
  Ciphertext row = ciphertext_of(key, batch, 0, 2);
  const Ciphertext before = row.clone();
  for (RnsPolynomial& part : row.parts) {
    for (size_t i = 0; i < 2; ++i) kernels().ntt_inverse(part.limb(i), params->tables(i));
  }
  Xof stream(random_seed(), Label("encryption of zero").view());
  zero.add_to(row.parts[0], row.parts[1], stream);
  for (RnsPolynomial& part : row.parts) {
    for (size_t i = 0; i < 2; ++i) kernels().ntt_forward(part.limb(i), params->tables(i));
  }
  for (size_t part = 0; part < 2; ++part) {
    size_t equal = 0;
    for (size_t j = 0; j < params->n(); ++j)
      equal += row.parts[part].limb(0)[j] == before.parts[part].limb(0)[j] ? 1 : 0;
    EXPECT_LT(equal, 4u);
  }
  const auto slots = RealEncoder(params->log_n()).decode(decrypt(key.secret(), row), kBatchScale);
  // Its noise is that of sqrt(4N/3) errors in sqrt(2N) slots, and a product of two Gaussians in each.
  const double deviation =
      slot_deviation(zero_noise(2 * 8192), 2 * 8192, Ring::conjugate_invariant) / kBatchScale;
  double squares = 0;
  for (size_t i = 0; i < slots.size(); ++i) squares += std::pow(slots[i] - samples(0, i), 2);
  EXPECT_NEAR(std::sqrt(squares / 8192), deviation, 0.2 * deviation);
  EXPECT_LT(largest_error(slots, samples.row(0)), 33 * deviation);
}

// Up to the largest that there is, which has to be exact to the integer modulo every prime.
TEST(ZeroEncryption, FloodsEverySlotAlike) {
  const ParamsPtr params = real_params();
  const BatchKey key(params, batch_seed(Digest{}, 0));
  const ZeroEncryption zero(make_public_key(key.secret()), 2);
  for (const double flood : {0x1p10, 0x1p33, ZeroEncryption::kLargestFlood}) {
    Ciphertext row(params, key.secret().id(), 2, 2);
    Xof stream(random_seed(), Label("flood").view());
    zero.add_to(row.parts[0], row.parts[1], stream, flood);
    for (RnsPolynomial& part : row.parts) {
      for (size_t i = 0; i < 2; ++i) kernels().ntt_forward(part.limb(i), params->tables(i));
    }
    const auto slots = RealEncoder(params->log_n()).decode(decrypt(key.secret(), row), 1.0);
    const size_t n = 2 * params->n();
    const double expected = slot_deviation(std::hypot(flood, zero_noise(n)), n, Ring::conjugate_invariant);
    double squares = 0, neighbours = 0;
    for (size_t i = 0; i < slots.size(); ++i) {
      squares += std::pow(slots[i] / expected, 2);
      neighbours += slots[i] / expected * slots[(i + 1) % slots.size()] / expected;
    }
    const auto count = static_cast<double>(slots.size());
    // The product of u and e beside the smallest has longer tails than a Gaussian.
    EXPECT_NEAR(squares / count, 1, 8 * std::sqrt(2 / count)) << flood;
    EXPECT_LT(std::abs(neighbours), 6 * std::sqrt(count)) << flood;
  }
}

}  // namespace
}  // namespace cryptotl
