#include "cryptotl/transfer/input_encryption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/secret_key_file.h"
#include "cryptotl/transfer/plan_file.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class InputEncryption : public testing::Test {
 protected:
  static Examples examples(const Matrix& rows, const std::string& embedder = "numbers") {
    return {"rows", rows, external_embedder(embedder, rows.cols), false, {}};
  }
  ErrorCode encryption_fails(const Examples& rows) {
    return code_of([&] { encrypt_inputs(model_, key_, rows, path_); });
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  ErrorCode reading_fails(const Bytes& bytes) const {
    write_file(path_, bytes).value();
    const auto key = read_public_key_file(path_, model_.params);
    return key.ok() ? ErrorCode::internal : key.error().code();
  }

  TemporaryFolder folder_ = test_folder();
  fs::path path_ = folder_.path() / "inputs";
  ModelMetadata model_ = metadata_of(small_model());
  SecretKey secret_ = SecretKey::generate(model_.params);
  PublicKey key_ = make_public_key(secret_);
};

TEST_F(InputEncryption, RefusesASecretKeyAsSuch) {
  write_secret_key(path_, secret_).value();
  const auto key = read_public_key_file(path_, model_.params);
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().code(), ErrorCode::insecure_parameters);
  EXPECT_THAT(key.error().what(), HasSubstr("is a secret key"));
}

TEST_F(InputEncryption, RefusesWhatIsNoPublicKeyForThePlan) {
  const Bytes good = write_public_key(key_);
  Bytes longer = good;
  longer.push_back(0);
  Bytes damaged = good;
  damaged[5000] ^= 1;
  EXPECT_EQ(reading_fails({}), ErrorCode::malformed);
  EXPECT_EQ(reading_fails(longer), ErrorCode::too_large);
  EXPECT_EQ(reading_fails(damaged), ErrorCode::malformed);
  EXPECT_EQ(reading_fails(Bytes(good.begin(), good.end() - 1)), ErrorCode::malformed);
  ParamsSpec spec = model_.params->spec();
  std::swap(spec.primes[2], spec.primes[3]);
  const SecretKey other = SecretKey::generate(Params::create(spec).value());
  EXPECT_EQ(reading_fails(write_public_key(make_public_key(other))), ErrorCode::parameter_mismatch);
  EXPECT_EQ(read_public_key_file(folder_.path() / "missing", model_.params).error().code(),
            ErrorCode::not_found);
  EXPECT_EQ(reading_fails(good), ErrorCode::internal);
}

TEST_F(InputEncryption, RefusesRowsOfAnotherWidthOrEmbedderAndLeavesNothing) {
  EXPECT_EQ(encryption_fails(examples(uniform_matrix(2, kSmallInputs + 1, 1))),
            ErrorCode::parameter_mismatch);
  EXPECT_EQ(encryption_fails(examples(uniform_matrix(2, kSmallInputs, 1), "others")),
            ErrorCode::parameter_mismatch);
  EXPECT_EQ(files(), 0u);
}

TEST_F(InputEncryption, LeavesNothingWhereItEndsInTheMiddle) {
  struct Interruption {};
  const auto stop_at_two = [](size_t done, size_t) {
    if (done == 2) throw Interruption();
  };
  EXPECT_THROW(encrypt_inputs(model_, key_, examples(uniform_matrix(5, kSmallInputs, 1)), path_, stop_at_two),
               Interruption);
  EXPECT_EQ(files(), 0u);
}

TEST_F(InputEncryption, SaysWherePlaceIsMissing) {
  const fs::path nowhere = folder_.path() / "missing" / "inputs";
  EXPECT_THROW(encrypt_inputs(model_, key_, examples(uniform_matrix(1, kSmallInputs, 1)), nowhere), Error);
  fs::create_directory(path_);
  write_text(path_ / "file", "mine");
  EXPECT_THROW(encrypt_inputs(model_, key_, examples(uniform_matrix(1, kSmallInputs, 1)), path_), Error);
  EXPECT_EQ(files(), 1u);
}

TEST_F(InputEncryption, StatesForWhomAndForWhat) {
  const EncryptedRows rows =
      encrypt_inputs(model_, key_, examples(uniform_matrix(3, kSmallInputs, 1)), path_);
  const auto inputs = EncryptedInputs::open(path_, model_.params, model_.plan.top_limbs()).value();
  for (const EncryptedInputsHeader& header : {rows.header, inputs.header()}) {
    EXPECT_EQ(header.key_id, secret_.id());
    EXPECT_EQ(header.model, model_.model_digest);
    EXPECT_EQ(header.plan, plan_digest(model_.plan));
    EXPECT_EQ(header.public_key, fingerprint(key_));
    EXPECT_EQ(header.count, 3u);
  }
}

TEST_F(InputEncryption, HoldsTheScaledRowsInTheirOrderForTheKeysOwner) {
  Matrix rows = uniform_matrix(4, kSmallInputs, 5);
  rows(1, 3) = 99;
  size_t reported = 0;
  const EncryptedRows encrypted =
      encrypt_inputs(model_, key_, examples(rows), path_, [&](size_t done, size_t) { reported = done; });
  EXPECT_EQ(reported, 4u);
  EXPECT_THAT(encrypted.clipped, ElementsAre(0, 1, 0, 0));
  const LatencyPlan& plan = model_.plan;
  const auto inputs = EncryptedInputs::open(path_, model_.params, plan.top_limbs()).value();
  inputs.verify().value();
  ASSERT_EQ(inputs.count(), 4u);
  const ScaledRows scaled = scale_rows(model_, rows);
  const Encoder encoder(plan.params.log_n);
  // 12 deviations of a slot's component, as in the oracle's tests.
  const double bound = 12 *
                       slot_deviation(std::hypot(fresh_public_noise(model_.params->n()), encoding_noise()),
                                      model_.params->n()) /
                       plan.input_scale;
  for (size_t i = 0; i < 4; ++i) {
    const Ciphertext ciphertext = read_ciphertext(inputs.ciphertext(i).value(), model_.params).value();
    const auto slots = encoder.decode(decrypt(secret_, ciphertext), plan.input_scale);
    const auto expected = pack_input(plan.packing, scaled.rows.row(i));
    double largest = 0;
    for (size_t slot = 0; slot < slots.size(); ++slot)
      largest = std::max(largest, std::abs(slots[slot] - expected[slot]));
    EXPECT_LT(largest, bound) << i;
    EXPECT_GT(largest, bound / 100) << "too good to have been encrypted";
  }
}

TEST_F(InputEncryption, EncryptsEqualRowsDifferently) {
  Matrix rows(2, kSmallInputs);
  encrypt_inputs(model_, key_, examples(rows), path_);
  const auto inputs = EncryptedInputs::open(path_, model_.params, model_.plan.top_limbs()).value();
  EXPECT_NE(inputs.ciphertext(0).value(), inputs.ciphertext(1).value());
}

}  // namespace
}  // namespace cryptotl
