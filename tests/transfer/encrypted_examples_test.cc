#include "cryptotl/transfer/encrypted_examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cryptotl/transfer/fitting.h"
#include "cryptotl/transfer/input_encryption.h"
#include "cryptotl/transfer/plan_file.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr size_t kRows = 6;

/// One server and one owner for all tests; each has a device's file of rows in a folder of its own.
class EncryptedExamples : public testing::Test {
 protected:
  static SmallWorld& world() {
    static SmallWorld* const world = new SmallWorld;
    return *world;
  }
  static const ModelMetadata& model() { return world().client.metadata(); }

  void encrypt(const PublicKey& key, const ModelMetadata& metadata) const {
    encrypt_inputs(metadata, key, {"rows", rows_, metadata.embedder, false, {}}, path_);
  }
  void encrypt(const PublicKey& key) const { encrypt(key, model()); }
  Result<Examples> reading(const ClientKeys& keys, const fs::path& labels = {}) const {
    return read_encrypted_examples(path_, labels, keys, model());
  }
  /// The public key that was made with these keys.
  PublicKey public_key(const ClientKeys& keys) const {
    const fs::path saved = folder_.path() / hex(keys.secret().id());
    if (!fs::exists(saved)) keys.save(saved, false).value();
    return read_public_key_file(saved / kPublicKeyFile, model().params).value();
  }
  void expect_refused(ErrorCode code, const std::vector<std::string>& words) const {
    const auto examples = reading(world().keys);
    ASSERT_FALSE(examples.ok());
    EXPECT_EQ(examples.error().code(), code) << examples.error().what();
    for (const std::string& word : words) EXPECT_THAT(examples.error().what(), HasSubstr(word));
    EXPECT_THAT(examples.error().what(), HasSubstr(path_.string()));
  }

  TemporaryFolder folder_ = test_folder();
  fs::path path_ = folder_.path() / "inputs.ctl";
  Matrix rows_ = uniform_matrix(kRows, kSmallInputs, 5);
};

TEST_F(EncryptedExamples, OfAnotherOwnerAreRefusedWithBothKeyIds) {
  const ClientKeys other = ClientKeys::generate(model());
  encrypt(public_key(other));
  expect_refused(ErrorCode::parameter_mismatch, {hex(other.secret().id()), hex(world().keys.secret().id())});
  EXPECT_TRUE(reading(other).ok());
}

TEST_F(EncryptedExamples, OfAnotherPublicKeyUnderOurIdAreRefusedForSecurity) {
  const PublicKey forged =
      make_public_key(world().keys.secret());  // right, but not the one that we gave away
  encrypt(forged);
  expect_refused(ErrorCode::insecure_parameters, {hex(fingerprint(forged)).substr(0, 16), "fingerprint"});
}

TEST_F(EncryptedExamples, ForAnotherModelPlanOrParametersAreRefused) {
  const PublicKey key = public_key(world().keys);
  ModelMetadata other = model();
  other.model_digest[0] ^= 1;
  encrypt(key, other);
  expect_refused(ErrorCode::parameter_mismatch, {"model", hex(model().model_digest).substr(0, 16)});
  other = model();
  other.plan.input_scale *= 2;
  encrypt(key, other);
  expect_refused(ErrorCode::parameter_mismatch, {"plan", hex(plan_digest(model().plan)).substr(0, 16)});
  other = model();
  std::swap(other.plan.params.primes[2], other.plan.params.primes[3]);
  other.params = Params::create(other.plan.params).value();
  encrypt(make_public_key(SecretKey::generate(other.params)), other);
  expect_refused(ErrorCode::parameter_mismatch, {"parameters"});
}

TEST_F(EncryptedExamples, ThatAreDamagedAreRefusedBeforeAnythingIsSent) {
  encrypt(public_key(world().keys));
  Bytes bytes = read_file(path_).value();
  bytes[bytes.size() - 100] ^= 1;
  write_file(path_, bytes).value();
  expect_refused(ErrorCode::malformed, {"corrupted"});
  bytes.resize(bytes.size() / 2);
  write_file(path_, bytes).value();
  expect_refused(ErrorCode::malformed, {"the header states"});
}

TEST_F(EncryptedExamples, TakeOneLabelARow) {
  encrypt(public_key(world().keys));
  const fs::path labels = folder_.path() / "labels";
  write_text(labels, "a\nb\n");
  const auto wrong = reading(world().keys, labels);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code(), ErrorCode::malformed);
  EXPECT_THAT(wrong.error().what(), HasSubstr("2 labels for the 6 rows"));
  write_text(labels, "a\nb\na\nb\na\nb\n");
  EXPECT_EQ(reading(world().keys, labels)->label_counts().at("b"), 3u);
}

TEST_F(EncryptedExamples, AreNothingForAHeadThatTakesEmbeddings) {
  for (const HeadKind kind : {HeadKind::local, HeadKind::combined, HeadKind::automatic})
    EXPECT_EQ(require_features_alone("inputs", kind).error().code(), ErrorCode::invalid_argument);
  EXPECT_TRUE(require_features_alone("inputs", HeadKind::linear).ok());
  EXPECT_TRUE(require_features_alone("inputs", HeadKind::paper).ok());
}

TEST_F(EncryptedExamples, StopAtAForeignCiphertextInTheirMidst) {
  const PublicKey own = public_key(world().keys);
  const LatencyPlan& plan = model().plan;
  const size_t each = model().public_request_bytes();
  auto writer = EncryptedInputsWriter::begin(path_, {model().params->id(), own.key_id, model().model_digest,
                                                     plan_digest(plan), fingerprint(own), 2, each})
                    .value();
  const std::vector<int64_t> zeros(model().params->n());
  const PublicKey foreign = make_public_key(SecretKey::generate(model().params));
  for (const PublicKey* key : {&own, &foreign})
    writer.add(write_ciphertext(encrypt_public(*key, zeros, plan.input_scale, plan.top_limbs()))).value();
  writer.finish().value();
  const Examples examples = reading(world().keys).value();
  FeatureExtractor extractor(world().client, world().keys);
  size_t sent = 0;
  EXPECT_EQ(
      code_of([&] { extractor.extract(*examples.encrypted, [&](size_t done, size_t) { sent = done; }); }),
      ErrorCode::malformed);
  EXPECT_LE(sent, 1u);
}

TEST_F(EncryptedExamples, GiveThePlainFeaturesWithinThePredictedError) {
  encrypt(public_key(world().keys));
  const Examples examples = reading(world().keys).value();
  EXPECT_EQ(examples.rows(), kRows);
  EXPECT_EQ(examples.embedder, model().embedder);
  size_t reported = 0;
  const Extraction out =
      FeatureExtractor(world().client, world().keys).extract(*examples.encrypted, [&](size_t done, size_t) {
        reported = done;
      });
  EXPECT_EQ(reported, kRows);
  EXPECT_EQ(out.usable().size(), kRows);
  const Matrix plain = forward(world().model.lower, rows_);
  double largest = 0;
  for (size_t i = 0; i < plain.values.size(); ++i)
    largest = std::max(largest, std::abs(out.features.values[i] - plain.values[i]));
  EXPECT_LE(largest, model().plan.predicted_error_public);
  EXPECT_GT(largest, 0);
}

class CachedEncryptedExamples : public EncryptedExamples {
 protected:
  FeatureCache cache() const { return FeatureCache::open(folder_.path() / "cache", model()).value(); }
  Extraction extract(const Examples& examples) const {
    FeatureCache kept = cache();
    return FeatureExtractor(world().client, world().keys).extract(*examples.encrypted, {}, &kept);
  }
};

TEST_F(CachedEncryptedExamples, AreKnownByTheirCiphertexts) {
  encrypt(public_key(world().keys));
  const Extraction first = extract(reading(world().keys).value());
  EXPECT_EQ(first.cached, 0u);
  const Extraction second = extract(reading(world().keys).value());
  EXPECT_EQ(second.cached, kRows);
  EXPECT_EQ(second.times.server.size(), 0u);
  EXPECT_EQ(second.features.values, first.features.values);
  // The same rows, but nobody can know that who has not decrypted them.
  encrypt(public_key(world().keys));
  EXPECT_EQ(extract(reading(world().keys).value()).cached, 0u);
}

TEST_F(CachedEncryptedExamples, AreNotTakenForTheOwnersOwnRows) {
  FeatureCache kept = cache();
  FeatureExtractor extractor(world().client, world().keys);
  extractor.extract(rows_, {}, &kept);
  encrypt(public_key(world().keys));
  EXPECT_EQ(extractor.extract(*reading(world().keys)->encrypted, {}, &kept).cached, 0u);
  EXPECT_EQ(extractor.extract(rows_, {}, &kept).cached, kRows);
}

TEST_F(CachedEncryptedExamples, ThatChangeInTheMiddleAreRefusedAndNotKeptForOthers) {
  encrypt(public_key(world().keys));
  const Examples examples = reading(world().keys).value();
  const Bytes other = examples.encrypted->ciphertext(0).value();
  const auto overwrite_the_last = [&](size_t done, size_t) {
    if (done != 1) return;
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-static_cast<std::streamoff>(other.size()), std::ios::end);
    file.write(reinterpret_cast<const char*>(other.data()), static_cast<std::streamsize>(other.size()));
  };
  FeatureCache kept = cache();
  FeatureExtractor extractor(world().client, world().keys);
  EXPECT_EQ(code_of([&] { extractor.extract(*examples.encrypted, overwrite_the_last, &kept); }),
            ErrorCode::malformed);
  kept.flush();
  EXPECT_GT(kept.kept(), 0u);
  EXPECT_LT(kept.kept(), kRows);
}

}  // namespace
}  // namespace cryptotl
