#include "cryptotl/transfer/client_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/transfer/plan_file.h"
#include "transfer/sealed_json.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class KeyFolder : public testing::Test {
 protected:
  void SetUp() override { ClientKeys::generate(model_).save(keys_, false).value(); }
  Error refusal(const ModelMetadata& model) const {
    const auto keys = ClientKeys::open(keys_, model);
    return keys.ok() ? Error(ErrorCode::internal, "opened") : keys.error();
  }
  TemporaryFolder folder_ = test_folder();
  fs::path keys_ = folder_.path() / "keys";
  ModelMetadata model_ = metadata_of(small_model());
};

TEST_F(KeyFolder, OfAnotherModelIsRefused) {
  const Error error = refusal(metadata_of(small_model(2)));
  EXPECT_EQ(error.code(), ErrorCode::parameter_mismatch);
  EXPECT_THAT(error.what(), HasSubstr("keygen"));
}

TEST_F(KeyFolder, OfOtherParametersIsRefused) {
  ModelMetadata other = model_;
  ParamsSpec spec = model_.params->spec();
  std::swap(spec.primes[2], spec.primes[3]);
  other.params = Params::create(spec).value();
  const Error error = refusal(other);
  EXPECT_EQ(error.code(), ErrorCode::parameter_mismatch);
  EXPECT_THAT(error.what(), HasSubstr("other parameters"));
}

TEST_F(KeyFolder, ThatOthersMayReadIsRefused) {
  fs::permissions(keys_ / kSecretKeyFile, fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(refusal(model_).code(), ErrorCode::insecure_parameters);
}

TEST_F(KeyFolder, ThatIsMissingIsRefusedWithWhatToDo) {
  fs::remove_all(keys_);
  const Error error = refusal(model_);
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_THAT(error.what(), HasSubstr("cryptotl keygen"));
}

TEST_F(KeyFolder, WithTheSecretKeyOfAnotherIsRefused) {
  const fs::path other = folder_.path() / "other";
  ClientKeys::generate(model_).save(other, false).value();
  fs::copy_file(other / kSecretKeyFile, keys_ / kSecretKeyFile, fs::copy_options::overwrite_existing);
  EXPECT_EQ(refusal(model_).code(), ErrorCode::parameter_mismatch);
}

TEST_F(KeyFolder, WithEveryByteOfItsManifestFlippedIsRefused) {
  const fs::path path = keys_ / kKeyManifestFile;
  Bytes bytes = read_file(path).value();
  for (uint8_t& byte : bytes) {
    byte ^= 1;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
    EXPECT_EQ(refusal(model_).code(), ErrorCode::malformed) << &byte - bytes.data();
    byte ^= 1;
  }
}

TEST_F(KeyFolder, IsNotReplacedUnlessAsked) {
  const KeyId before = ClientKeys::open(keys_, model_)->secret().id();
  EXPECT_FALSE(ClientKeys::generate(model_).save(keys_, false).ok());
  EXPECT_EQ(ClientKeys::open(keys_, model_)->secret().id(), before);
  EXPECT_TRUE(ClientKeys::generate(model_).save(keys_, true).ok());
  EXPECT_NE(ClientKeys::open(keys_, model_)->secret().id(), before);
}

TEST_F(KeyFolder, IsTheOwnersAlone) {
  using fs::perms;
  EXPECT_EQ(fs::status(keys_).permissions(), perms::owner_all);
  EXPECT_EQ(fs::status(keys_ / kSecretKeyFile).permissions(), perms::owner_read | perms::owner_write);
}

TEST_F(KeyFolder, HoldsWhatDevicesTakeAndThatIsOpenToAll) {
  using fs::perms;
  const perms everyone = perms::owner_read | perms::owner_write | perms::group_read | perms::others_read;
  EXPECT_EQ(fs::status(keys_ / kPublicKeyFile).permissions(), everyone);
  EXPECT_EQ(fs::status(keys_ / kPlanFile).permissions(), everyone);
  const ClientKeys keys = ClientKeys::open(keys_, model_).value();
  const PublicKey key = read_public_key(read_file(keys_ / kPublicKeyFile).value(), model_.params).value();
  EXPECT_EQ(key.key_id, keys.secret().id());
  EXPECT_EQ(fingerprint(key), keys.public_key_fingerprint());
  const std::vector<int64_t> message(model_.params->n(), 1 << 20);
  EXPECT_NEAR(decrypt(keys.secret(), encrypt_public(key, message, 1, 5))[0], 1 << 20, 200);
  EXPECT_EQ(read_plan_file(keys_ / kPlanFile)->model_digest, model_.model_digest);
}

TEST_F(KeyFolder, DoesWithoutThemOnceTheyAreWithTheDevices) {
  fs::remove(keys_ / kPublicKeyFile);
  fs::remove(keys_ / kPlanFile);
  EXPECT_TRUE(ClientKeys::open(keys_, model_)->public_key_fingerprint().has_value());
}

TEST_F(KeyFolder, FromBeforeThereWerePublicKeysOpens) {
  auto manifest =
      open_sealed_json(read_file(keys_ / kKeyManifestFile).value(), keys_ / kKeyManifestFile).value();
  manifest.erase("public_key");
  write_text(keys_ / kKeyManifestFile, seal_json(manifest));
  EXPECT_FALSE(ClientKeys::open(keys_, model_)->public_key_fingerprint().has_value());
}

TEST_F(KeyFolder, NamesWhatTheServerGetsByItsBytesEvaluationKeysFirst) {
  Bytes sent = read_file(keys_ / kEvaluationKeyFile).value();
  const Bytes public_key = read_file(keys_ / kPublicKeyFile).value();
  sent.insert(sent.end(), public_key.begin(), public_key.end());
  EXPECT_EQ(ClientKeys::open(keys_, model_)->evaluation_keys(), digest(sent));
}

class KeysAtAServer : public testing::Test {
 protected:
  SmallWorld world_;
};

TEST_F(KeysAtAServer, AreMissingWhereTheServerNeverHadThemAndTheFolderLostThem) {
  const fs::path folder = world_.folder.path() / "keys";
  ClientKeys::generate(world_.client.metadata()).save(folder, false).value();
  const ClientKeys keys = ClientKeys::open(folder, world_.client.metadata()).value();
  fs::remove(folder / kEvaluationKeyFile);
  const Status status = keys.upload(world_.client);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::missing_key);
  EXPECT_THAT(status.error().what(), HasSubstr(kEvaluationKeyFile));
}

TEST_F(KeysAtAServer, AreNotSentWhereTheFileIsCorrupted) {
  const fs::path folder = world_.folder.path() / "keys";
  ClientKeys::generate(world_.client.metadata()).save(folder, false).value();
  const ClientKeys keys = ClientKeys::open(folder, world_.client.metadata()).value();
  std::fstream file(folder / kEvaluationKeyFile, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(1000);
  file.put('x').put('y');
  file.close();
  const Status status = keys.upload(world_.client);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::malformed);
}

TEST_F(KeysAtAServer, AreNotSentWithThePublicKeyOfAnother) {
  const fs::path folder = world_.folder.path() / "keys", other = world_.folder.path() / "other";
  ClientKeys::generate(world_.client.metadata()).save(folder, false).value();
  ClientKeys::generate(world_.client.metadata()).save(other, false).value();
  const ClientKeys keys = ClientKeys::open(folder, world_.client.metadata()).value();
  fs::copy_file(other / kPublicKeyFile, folder / kPublicKeyFile, fs::copy_options::overwrite_existing);
  const Status status = keys.upload(world_.client);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::malformed);
  EXPECT_THAT(status.error().what(), HasSubstr(kPublicKeyFile));
}

TEST_F(KeysAtAServer, AreSentOnceAndThenFound) {
  EXPECT_TRUE(world_.client.has_keys(world_.keys.evaluation_keys()).value());
  EXPECT_TRUE(world_.keys.upload(world_.client).ok());
}

}  // namespace
}  // namespace cryptotl
