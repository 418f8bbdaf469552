#include "cryptotl/ckks/encrypted_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr size_t kLimbs = 2;
// Where the fields of the header, of what follows it, and of the first ciphertext stand.
constexpr size_t kVersion = 4, kKind = 6, kPayloadBytes = 16, kParamsId = 24, kKeyId = 56, kModel = 104,
                 kCount = 200, kEach = 208, kFirst = 216;

template <typename T>
Bytes with(Bytes bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
  return bytes;
}

/// Sets the digest of the object that begins at `start` and has `size` bytes right.
void seal(Bytes& bytes, size_t start, size_t size) {
  const ByteView object = ByteView(bytes).subspan(start, size);
  const Digest sum =
      Hasher().add(object.first(kDigestOffset)).add(Digest{}).add(object.subspan(kHeaderBytes)).finish();
  std::memcpy(bytes.data() + start + kDigestOffset, sum.data(), sum.size());
}

Bytes sealed(Bytes bytes) {
  seal(bytes, 0, bytes.size());
  return bytes;
}

Bytes resealed(Bytes bytes) {
  return sealed(with(std::move(bytes), kPayloadBytes, static_cast<uint64_t>(bytes.size() - kHeaderBytes)));
}

class EncryptedInputsTest : public testing::Test {
 protected:
  EncryptedInputsTest()
      : params_(minute_params()),
        secret_(SecretKey::generate(params_)),
        key_(make_public_key(secret_)),
        each_(ciphertext_bytes(*params_, 2, kLimbs, false)) {
    std::string name = (fs::temp_directory_path() / "cryptotl-inputs-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    path_ = folder_ / "inputs";
  }
  ~EncryptedInputsTest() override { fs::remove_all(folder_); }

  EncryptedInputsHeader header(uint64_t count) const {
    return {params_->id(), secret_.id(), {1}, {2}, fingerprint(key_), count, each_};
  }
  /// Input i holds the number i.
  Bytes encrypted(size_t i, const PublicKey& key) const {
    const std::vector<int64_t> message(params_->n(), static_cast<int64_t>(i) << 20);
    return write_ciphertext(encrypt_public(key, message, 0x1p20, kLimbs));
  }
  Bytes encrypted(size_t i) const { return encrypted(i, key_); }
  Bytes written(size_t count) {
    auto writer = EncryptedInputsWriter::begin(path_, header(count)).value();
    for (size_t i = 0; i < count; ++i) writer.add(encrypted(i)).value();
    writer.finish().value();
    return read_file(path_).value();
  }
  Result<EncryptedInputs> opened(const Bytes& bytes, const ParamsPtr& params) {
    // Not write_file(), nor over what is there: thousands of them would wait for the disk.
    fs::remove(path_);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    auto inputs = EncryptedInputs::open(path_, params, kLimbs);
    if (!inputs.ok()) return inputs;
    CRYPTOTL_TRY(inputs->verify());
    return inputs;
  }
  Result<EncryptedInputs> opened(const Bytes& bytes) { return opened(bytes, params_); }
  void expect_refused(const Bytes& bytes, ErrorCode code, const std::string& reason) {
    const auto inputs = opened(bytes);
    ASSERT_FALSE(inputs.ok()) << reason;
    EXPECT_EQ(inputs.error().code(), code) << inputs.error().what();
    EXPECT_THAT(inputs.error().what(), HasSubstr(reason));
    EXPECT_THAT(inputs.error().what(), HasSubstr(path_.string()));
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  ParamsPtr params_;
  SecretKey secret_;
  PublicKey key_;
  size_t each_;
  fs::path folder_, path_;
};

TEST_F(EncryptedInputsTest, RefusesEveryTruncation) {
  const Bytes good = written(2);
  for (size_t size = 0; size < good.size(); size += size < kFirst + 200 ? 1 : 97) {
    Bytes bytes = good;
    bytes.resize(size);
    expect_refused(bytes, ErrorCode::malformed, size < kHeaderBytes ? "truncated" : "the header states");
    if (size >= kHeaderBytes) expect_refused(resealed(bytes), ErrorCode::malformed, "");
  }
}

TEST_F(EncryptedInputsTest, RefusesOneByteTooMany) {
  Bytes bytes = written(2);
  bytes.push_back(0);
  expect_refused(bytes, ErrorCode::malformed, "the header states");
  expect_refused(resealed(bytes), ErrorCode::malformed, "do not make");
}

TEST_F(EncryptedInputsTest, RefusesEveryFlippedByte) {
  const Bytes good = written(1);
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes bytes = good;
    bytes[i] ^= 1;
    EXPECT_FALSE(opened(bytes).ok()) << i;
  }
}

TEST_F(EncryptedInputsTest, RefusesAnotherVersionOrKind) {
  const Bytes good = written(1);
  expect_refused(with(good, 0, uint32_t{0}), ErrorCode::malformed, "CTTL");
  expect_refused(with(good, kVersion, uint16_t{2}), ErrorCode::unsupported_version, "version 2");
  for (const int kind : {1, 2, 3, 4})
    expect_refused(sealed(with(good, kKind, static_cast<uint16_t>(kind))), ErrorCode::malformed,
                   "where encrypted inputs are expected");
  expect_refused(encrypted(0), ErrorCode::malformed, "kind ciphertext where");
}

TEST_F(EncryptedInputsTest, RefusesOtherParameters) {
  const Bytes good = written(1);
  expect_refused(sealed(with(good, kParamsId, uint64_t{0})), ErrorCode::parameter_mismatch, "parameters");
  EXPECT_EQ(opened(good, minute_params(4)).error().code(), ErrorCode::parameter_mismatch);
}

TEST_F(EncryptedInputsTest, RefusesCountsAndLengthsThatDoNotFitBeforeTheyTakeMemory) {
  const Bytes good = written(2);
  const uint64_t all = 2 * each_;
  for (const uint64_t count : {uint64_t{0}, uint64_t{1}, uint64_t{3}, uint64_t{1} << 32, ~uint64_t{0}})
    expect_refused(sealed(with(good, kCount, count)), ErrorCode::malformed, "do not make");
  for (const uint64_t each : {uint64_t{0}, uint64_t{1}, each_ + 1, uint64_t{1} << 63, ~uint64_t{0}})
    expect_refused(sealed(with(good, kEach, each)), ErrorCode::malformed, "do not make");
  // 2^63 * 2 and all * 2^63 are what follows, modulo 2^64.
  expect_refused(sealed(with(with(good, kEach, uint64_t{1} << 63), kCount, uint64_t{2})),
                 ErrorCode::malformed, "do not make");
  // One ciphertext of all bytes adds up, but is none.
  expect_refused(sealed(with(with(good, kEach, all), kCount, uint64_t{1})), ErrorCode::malformed,
                 "are right");
  expect_refused(sealed(with(with(good, kEach, uint64_t{1}), kCount, all)), ErrorCode::malformed,
                 "are right");
}

TEST_F(EncryptedInputsTest, NamesTheInputThatIsDamagedWhereTheWholeIsSealedAnew) {
  Bytes bytes = written(3);
  bytes[kFirst + each_ + 500] ^= 1;
  const EncryptedInputs inputs = opened(sealed(bytes)).value();
  EXPECT_TRUE(inputs.ciphertext(0).ok());
  EXPECT_TRUE(inputs.ciphertext(2).ok());
  const auto second = inputs.ciphertext(1);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::malformed);
  EXPECT_THAT(second.error().what(), HasSubstr("input 2: corrupted"));
}

TEST_F(EncryptedInputsTest, NamesTheInputThatIsUnderAnotherKey) {
  const SecretKey other = SecretKey::generate(params_);
  auto writer = EncryptedInputsWriter::begin(path_, header(2)).value();
  writer.add(encrypted(0)).value();
  writer.add(encrypted(1, make_public_key(other))).value();
  writer.finish().value();
  const EncryptedInputs inputs = EncryptedInputs::open(path_, params_, kLimbs).value();
  const auto second = inputs.ciphertext(1);
  ASSERT_FALSE(second.ok());
  for (const std::string& word : {std::string("input 2"), hex(other.id()), hex(secret_.id())})
    EXPECT_THAT(second.error().what(), HasSubstr(word));
}

TEST_F(EncryptedInputsTest, RefusesThreePartsOfTheSameLength) {
  // Two limbs in three parts take the bytes of three limbs in two.
  Ciphertext product = encrypt_public(key_, std::vector<int64_t>(params_->n()), 0x1p20, 2);
  product.parts.push_back(product.parts[0]);
  EncryptedInputsHeader three = header(1);
  three.ciphertext_bytes = ciphertext_bytes(*params_, 2, 3, false);
  auto writer = EncryptedInputsWriter::begin(path_, three).value();
  writer.add(write_ciphertext(product)).value();
  writer.finish().value();
  const EncryptedInputs inputs = EncryptedInputs::open(path_, params_, 3).value();
  EXPECT_THAT(inputs.ciphertext(0).error().what(), HasSubstr("two whole parts"));
}

TEST_F(EncryptedInputsTest, NeverBreaksOnRandomContents) {
  const Bytes good = written(2);
  std::mt19937_64 generator(1);
  for (size_t run = 0; run < 5 * property_cases(); ++run) {
    Bytes bytes = good;
    for (size_t flips = 1 + generator() % 8; flips > 0; --flips) {
      const size_t range = generator() % 2 == 0 ? kFirst + 120 : bytes.size();
      bytes[8 + generator() % (range - 8)] = static_cast<uint8_t>(generator());
    }
    const auto inputs = opened(sealed(bytes));
    if (!inputs.ok()) continue;
    for (size_t i = 0; i < inputs->count(); ++i) static_cast<void>(inputs->ciphertext(i).ok());
  }
}

TEST_F(EncryptedInputsTest, ThatAreNotFinishedLeaveNothing) {
  {
    auto writer = EncryptedInputsWriter::begin(path_, header(2)).value();
    writer.add(encrypted(0)).value();
    EXPECT_THROW(static_cast<void>(writer.finish()), Error);
    EXPECT_EQ(files(), 1u);  // the temporary one
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(EncryptedInputsTest, TakeNoOtherNumberOrLengthThanTheHeaders) {
  auto writer = EncryptedInputsWriter::begin(path_, header(1)).value();
  Bytes longer = encrypted(0);
  longer.push_back(0);
  EXPECT_THROW(static_cast<void>(writer.add(longer)), Error);
  writer.add(encrypted(0)).value();
  EXPECT_THROW(static_cast<void>(writer.add(encrypted(1))), Error);
  auto empty = EncryptedInputsWriter::begin(path_, header(0)).value();
  EXPECT_THROW(static_cast<void>(empty.finish()), Error);
}

TEST_F(EncryptedInputsTest, SayForWhomTheyAreWithoutTheirContents) {
  written(3);
  const auto file = FileReader::open(path_).value();
  const EncryptedInputsHeader read = read_encrypted_inputs_header(file).value();
  EXPECT_EQ(read.params_id, params_->id());
  EXPECT_EQ(read.key_id, secret_.id());
  EXPECT_EQ(read.model, Digest{1});
  EXPECT_EQ(read.plan, Digest{2});
  EXPECT_EQ(read.public_key, fingerprint(key_));
  EXPECT_EQ(read.count, 3u);
  EXPECT_EQ(read.ciphertext_bytes, each_);
  // The fields stand where docs/format.md says.
  EXPECT_EQ(read_file(path_).value()[kModel], 1);
  EXPECT_EQ(file.size(), kFirst + 3 * each_);
}

TEST_F(EncryptedInputsTest, GiveBackEveryCiphertextToTheKeysOwnerAlone) {
  const size_t count = 5;
  written(count);
  size_t reported = 0;
  const EncryptedInputs inputs = EncryptedInputs::open(path_, params_, kLimbs).value();
  inputs.verify([&](size_t done, size_t) { reported = done; }).value();
  EXPECT_EQ(reported, fs::file_size(path_));
  ASSERT_EQ(inputs.count(), count);
  const SecretKey other = SecretKey::generate(params_);
  for (size_t i = count; i-- > 0;) {
    const Ciphertext ciphertext = read_ciphertext(inputs.ciphertext(i).value(), params_).value();
    for (const double value : decrypt(secret_, ciphertext))
      EXPECT_NEAR(value, static_cast<double>(i << 20), 100);
    EXPECT_THROW(decrypt(other, ciphertext), Error);
  }
}

}  // namespace
}  // namespace cryptotl
