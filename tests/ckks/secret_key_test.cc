#include "cryptotl/ckks/secret_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "ckks/measure.h"
#include "ckks/statistics.h"
#include "ckks/test_params.h"
#include "cryptotl/base/file.h"
#include "cryptotl/ckks/public_key.h"
#include "cryptotl/ckks/secret_key_file.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/rns/automorphism.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

static_assert(!std::is_copy_constructible_v<SecretKey> && !std::is_copy_assignable_v<SecretKey>);
static_assert(std::is_nothrow_move_constructible_v<SecretKey> && std::is_move_assignable_v<SecretKey>);

class SecretKeyFileTest : public testing::Test {
 protected:
  SecretKeyFileTest() : params_(minute_params(3, 2)), key_(SecretKey::generate(params_)) {
    std::string name = (fs::temp_directory_path() / "cryptotl-secret-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "secret.key";
  }
  ~SecretKeyFileTest() override { fs::remove_all(folder_); }

  void expect_refused(ErrorCode code, const std::string& reason) const {
    const auto key = read_secret_key(path_, params_);
    ASSERT_FALSE(key.ok()) << reason;
    EXPECT_EQ(key.error().code(), code) << key.error().what();
    EXPECT_THAT(key.error().what(), HasSubstr(reason));
    EXPECT_THAT(key.error().what(), HasSubstr(path_.string()));
  }
  /// In place, so that the mode stays as it is.
  void replace(ByteView bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  }

  ParamsPtr params_;
  SecretKey key_;
  fs::path folder_, path_;
};

TEST_F(SecretKeyFileTest, RefusesAFileThatOthersMayRead) {
  write_secret_key(path_, key_).value();
  for (const auto permission : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write}) {
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write | permission);
    expect_refused(ErrorCode::insecure_parameters, "chmod 600");
  }
}

TEST_F(SecretKeyFileTest, RefusesAMissingFile) { expect_refused(ErrorCode::not_found, ""); }

TEST_F(SecretKeyFileTest, RefusesOtherParameters) {
  write_secret_key(path_, SecretKey::generate(minute_params(2))).value();
  expect_refused(ErrorCode::parameter_mismatch, "parameters");
}

TEST_F(SecretKeyFileTest, RefusesEveryFlippedByteAndTruncation) {
  write_secret_key(path_, key_).value();
  const Bytes good = read_file(path_).value();
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes bytes = good;
    bytes[i] ^= 1;
    replace(bytes);
    EXPECT_FALSE(read_secret_key(path_, params_).ok()) << i;
    if (i % 16 != 0) continue;
    replace(ByteView(good).first(i));
    EXPECT_FALSE(read_secret_key(path_, params_).ok()) << i;
  }
  replace({});
  expect_refused(ErrorCode::malformed, "truncated");
}

TEST_F(SecretKeyFileTest, RefusesCoefficientsThatAreNotTernaryOrOfAnotherNumber) {
  std::vector<uint8_t> payload(params_->n(), 1);
  payload[77] = 3;
  replace(write_object(ObjectKind::secret_key, params_->id(), key_.id(), payload));
  expect_refused(ErrorCode::malformed, "-1, 0 or 1");
  payload.assign(params_->n() - 1, 1);
  replace(write_object(ObjectKind::secret_key, params_->id(), key_.id(), payload));
  expect_refused(ErrorCode::malformed, "N coefficients");
}

TEST_F(SecretKeyFileTest, BelongsToItsOwnerAloneWhateverTheMask) {
  const mode_t before = umask(0);
  write_secret_key(path_, key_).value();
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(SecretKeyFileTest, GivesTheKeyBack) {
  write_secret_key(path_, key_).value();
  const SecretKey back = read_secret_key(path_, params_).value();
  EXPECT_EQ(back.id(), key_.id());
  EXPECT_TRUE(std::ranges::equal(back.coefficients(), key_.coefficients()));
  for (size_t i = 0; i < params_->num_primes() + params_->num_special(); ++i)
    EXPECT_TRUE(std::ranges::equal(back.ntt(i), key_.ntt(i)));
}

TEST(SecretKey, RefusesAWrongNumberOfCoefficients) {
  const std::vector<int8_t> coefficients(127);
  EXPECT_EQ(code_of([&] { SecretKey::from_coefficients(minute_params(), {}, coefficients); }),
            ErrorCode::invalid_argument);
}

TEST(SecretKey, RefusesToEncryptOtherThanNCoefficientsForSomeLimbs) {
  const ParamsPtr params = minute_params();
  const SecretKey secret = SecretKey::generate(params);
  const PublicKey key = make_public_key(secret);
  const struct { size_t coefficients, limbs; } wrong[] = {{127, 3}, {129, 3}, {0, 3}, {128, 0}, {128, 4}};
  for (const auto& [coefficients, limbs] : wrong) {
    const std::vector<int64_t> message(coefficients);
    EXPECT_EQ(code_of([&] { static_cast<void>(encrypt(secret, message, 1, limbs)); }),
              ErrorCode::invalid_argument);
    EXPECT_EQ(code_of([&] { static_cast<void>(encrypt_public(key, message, 1, limbs)); }),
              ErrorCode::invalid_argument);
  }
}

TEST(SecretKey, RefusesAnEvaluationKeyOverLimbsThatAreNotThere) {
  const SecretKey secret = SecretKey::generate(minute_params());
  for (const size_t limbs : {0, 4}) {
    const KeyRequest request[] = {{3, limbs}};
    EXPECT_EQ(code_of([&] { static_cast<void>(make_evaluation_keys(secret, request)); }),
              ErrorCode::invalid_argument);
  }
}

TEST(SecretKey, IsUniformlyTernary) {
  const ParamsPtr params = fast_params();
  constexpr size_t kKeys = 8;
  std::array<double, 3> counts = {};
  for (size_t i = 0; i < kKeys; ++i) {
    const SecretKey secret = SecretKey::generate(params);
    size_t nonzero = 0;
    for (const int8_t s : secret.coefficients()) {
      ++counts[static_cast<size_t>(s + 1)];
      nonzero += s != 0 ? 1 : 0;
    }
    const double n = static_cast<double>(params->n());
    EXPECT_NEAR(static_cast<double>(nonzero), n * 2 / 3, 5 * std::sqrt(n * 2 / 9));
  }
  const double third = static_cast<double>(kKeys * params->n()) / 3;
  EXPECT_LT(chi_square(counts, std::array{third, third, third}), chi_square_limit(3));
}

TEST(SecretKey, IsNeverTheSameTwice) {
  const ParamsPtr params = minute_params();
  std::set<KeyId> ids;
  std::set<std::vector<int8_t>> secrets;
  for (int i = 0; i < 100; ++i) {
    const SecretKey secret = SecretKey::generate(params);
    ids.insert(secret.id());
    secrets.emplace(secret.coefficients().begin(), secret.coefficients().end());
  }
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(secrets.size(), 100u);
}

// Under AddressSanitizer the shadow memory is too large to be read through.
#ifndef __SANITIZE_ADDRESS__
constexpr size_t kPattern = 64;

/// Bytes of a secret, kept in such a way that they stand nowhere else in memory.
struct Masked {
  explicit Masked(ByteView secret) {
    for (size_t i = 0; i < kPattern; ++i) bytes[i] = static_cast<uint8_t>(secret[i] ^ 0x5a);
  }
  std::array<uint8_t, kPattern> bytes;
};

/// How often the bytes stand in this process's writable memory.
size_t occurrences(const Masked& pattern) {
  std::ifstream maps("/proc/self/maps");
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  size_t found = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3) continue;
    if (std::string_view(mode).substr(0, 2) != "rw") continue;
    const auto* at = reinterpret_cast<const uint8_t*>(begin);
    std::vector<char> copy(1 << 16);
    const auto* own = reinterpret_cast<const uint8_t*>(copy.data());
    for (size_t i = 0; begin + i + kPattern <= end; ++i) {
      if (i % 4096 == 0) {  // a page that cannot be read is skipped
        memory.clear();
        memory.seekg(static_cast<std::streamoff>(begin + i));
        if (!memory.read(copy.data(), 1)) {
          i += 4095;
          continue;
        }
      }
      if (at + i == own) i += copy.size();
      size_t same = 0;
      while (same < kPattern && at[i + same] == (pattern.bytes[same] ^ 0x5a)) ++same;
      found += same == kPattern ? 1 : 0;
    }
  }
  return found;
}

TEST(SecretKey, LeavesNothingInMemoryOnceItIsGone) {
  const ParamsPtr params = tiny_params();
  std::string name = (fs::temp_directory_path() / "cryptotl-secret-XXXXXX").string();
  const fs::path folder = mkdtemp(name.data());
  auto secret = std::make_unique<SecretKey>(SecretKey::generate(params));
  const auto bytes_of = [](const auto& values) {
    return ByteView(reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes());
  };
  const Masked coefficients(bytes_of(secret->coefficients()));
  const Masked ntt(bytes_of(secret->ntt(0)));
  std::vector<uint8_t> written;  // as the file holds them
  for (size_t i = 0; i < kPattern; ++i)
    written.push_back(static_cast<uint8_t>(secret->coefficients()[i] + 1));
  const Masked file(written);
  wipe(written);
  EXPECT_GE(occurrences(coefficients), 1u);
  EXPECT_GE(occurrences(ntt), 1u);

  const std::vector<int64_t> message(params->n(), 1);
  const Ciphertext ciphertext = encrypt(*secret, message, 1, 4);
  EXPECT_NEAR(decrypt(*secret, ciphertext)[0], 1, 21);
  const PublicKey public_key = make_public_key(*secret);
  const EvaluationKeys keys =
      make_evaluation_keys(*secret, std::vector<KeyRequest>{{kRelinearisation, 4}, {3, 4}});
  write_secret_key(folder / "secret.key", *secret).value();
  EXPECT_EQ(occurrences(file), 0u);  // before the reader takes the same memory
  {
    const SecretKey back = read_secret_key(folder / "secret.key", params).value();
    EXPECT_EQ(occurrences(file), 0u);
    EXPECT_GE(occurrences(coefficients), 2u);
  }
  secret.reset();
  EXPECT_EQ(occurrences(coefficients), 0u);
  EXPECT_EQ(occurrences(ntt), 0u);
  EXPECT_EQ(occurrences(file), 0u);
  fs::remove_all(folder);
}
#endif

TEST(Encryption, CarriesErrorsOfTheCentredBinomial) {
  const ParamsPtr params = fast_params();
  const SecretKey secret = SecretKey::generate(params);
  const std::vector<int64_t> message(params->n(), 1000);
  ErrorCells cells(13);
  for (int i = 0; i < 50; ++i) {
    for (const double value : decrypt(secret, encrypt(secret, message, 1, 2))) {
      ASSERT_LE(std::abs(value - 1000), 21);
      cells.add(static_cast<int>(value) - 1000);
    }
  }
  EXPECT_LT(cells.misfit(), 1);
}

class EvaluationKeysTest : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(SpecialPrimes, EvaluationKeysTest, testing::Values(1, 2, 3));

// For each digit and limb b + a s is the error, and P s' where the limb is one of the digit's own.
TEST_P(EvaluationKeysTest, HoldPTimesTheOldSecretAndErrorsOfTheCentredBinomial) {
  const ParamsPtr params = wide_params(GetParam());
  const SecretKey secret = SecretKey::generate(params);
  const size_t n = params->n();
  const uint32_t rotation = galois_element_of_rotation(5, params->log_n());
  const EvaluationKeys keys =
      make_evaluation_keys(secret, std::vector<KeyRequest>{{kRelinearisation, 5}, {rotation, 3}});
  ErrorCells cells(12);
  for (const SwitchingKey& key : keys.keys) {
    const size_t limbs = key.request.limbs;
    ASSERT_EQ(key.b.size(), (limbs + GetParam() - 1) / GetParam());
    for (size_t digit = 0; digit < key.b.size(); ++digit) {
      std::vector<int> first(n);
      ASSERT_EQ(key.b[digit].num_limbs(), limbs + GetParam());
      for (size_t limb = 0; limb < limbs + GetParam(); ++limb) {
        const size_t index = params->extended_index(limb, limbs);
        const Modulus& q = params->modulus(index);
        AlignedVector<uint32_t> error(n);
        expand_key_seed(*params, keys.key_id, key, digit, limb, error);
        AlignedVector<uint32_t> old(n);
        kernels().permute(old.data(), 16, secret.ntt(index).data(), Automorphism(params->log_n(), rotation));
        for (size_t j = 0; j < n; ++j) {
          const uint32_t s = secret.ntt(index)[j];
          error[j] = q.add(key.b[digit].limb(limb)[j], q.multiply(error[j], s));
          if (limb >= limbs || limb / GetParam() != digit) continue;
          const uint32_t old_secret =
              key.request.galois_element == kRelinearisation ? q.multiply(s, s) : old[j];
          uint32_t term = old_secret;
          for (const uint32_t special : params->spec().special_primes)
            term = q.multiply(term, special % q.value());
          error[j] = q.subtract(error[j], term);
        }
        kernels().ntt_inverse(error.data(), params->tables(index));
        for (size_t j = 0; j < n; ++j) {
          const int centred =
              error[j] > q.value() / 2 ? -static_cast<int>(q.value() - error[j]) : static_cast<int>(error[j]);
          ASSERT_LE(std::abs(centred), 21);
          if (limb == 0) cells.add(first[j] = centred);
          ASSERT_EQ(centred, first[j]) << "one error for all limbs of a digit";
        }
      }
    }
  }
  EXPECT_LT(cells.misfit(), 1);
}

TEST(Seeds, AreFreshForEveryCiphertextAndKey) {
  const ParamsPtr params = minute_params();
  const SecretKey secret = SecretKey::generate(params);
  const std::vector<int64_t> message(params->n());
  std::set<Seed> seeds;
  size_t uses = 0;
  for (int i = 0; i < 50; ++i, uses += 4) {
    seeds.insert(encrypt(secret, message, 1, 3).seed.value());
    seeds.insert(make_public_key(secret).seed);
    for (const SwitchingKey& key : make_evaluation_keys(secret, std::vector<KeyRequest>{{3, 2}, {5, 2}}).keys)
      seeds.insert(key.seed);
  }
  EXPECT_EQ(seeds.size(), uses);
}

TEST(Seeds, ExpandApartForEveryPurposeKeyLevelDigitAndLimb) {
  const Seed seed = random_seed();
  // Two streams that were one would start with equal residues even modulo different primes.
  std::set<std::vector<uint32_t>> starts;
  size_t uses = 0;
  const auto note = [&](std::span<const uint32_t> residues) {
    starts.emplace(residues.begin(), residues.begin() + 8);
    ++uses;
  };
  for (const ParamsPtr& params : {minute_params(2), minute_params(3), minute_params(3, 2)}) {
    for (const KeyId& key_id : {KeyId{}, KeyId{1}}) {
      const RnsPolynomial ciphertext = expand_ciphertext_seed(*params, key_id, seed, params->num_primes());
      for (size_t i = 0; i < ciphertext.num_limbs(); ++i) note(ciphertext.limb_span(i));
      const RnsPolynomial public_key = expand_public_key_seed({params, key_id, seed, {}});
      for (size_t i = 0; i < public_key.num_limbs(); ++i) note(public_key.limb_span(i));
      for (const uint32_t galois_element : {0u, 3u, 5u}) {
        for (size_t limbs = 1; limbs <= params->num_primes(); ++limbs) {
          const SwitchingKey key{{galois_element, limbs}, seed, {}};
          for (size_t digit = 0; digit < params->digits(limbs); ++digit) {
            for (size_t limb = 0; limb < limbs + params->num_special(); ++limb) {
              AlignedVector<uint32_t> a(params->n());
              expand_key_seed(*params, key_id, key, digit, limb, a);
              note(a);
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(starts.size(), uses);
}

}  // namespace
}  // namespace cryptotl
