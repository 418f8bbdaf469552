#include "cryptotl/ckks/one_time_seed.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "ckks/measure.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/secret_key.h"

namespace cryptotl {
namespace {

static_assert(!std::is_copy_constructible_v<OneTimeSeed> && !std::is_copy_assignable_v<OneTimeSeed>);
static_assert(std::is_nothrow_move_constructible_v<OneTimeSeed> &&
              std::is_nothrow_move_assignable_v<OneTimeSeed>);
static_assert(!std::is_constructible_v<OneTimeSeed, Seed>, "nobody chooses a seed");

class OneTimeSeedTest : public testing::Test {
 protected:
  Ciphertext encrypted(OneTimeSeed seed) const { return encrypt(secret_, message_, 1, 3, std::move(seed)); }
  /// What a child of this process meets where it encrypts with the seed.
  ErrorCode code_in_a_fork(OneTimeSeed& seed) const {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(static_cast<int>(code_of([&] { encrypted(std::move(seed)); })));
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return static_cast<ErrorCode>(WEXITSTATUS(status));
  }

  ParamsPtr params_ = minute_params();
  SecretKey secret_ = SecretKey::generate(params_);
  std::vector<int64_t> message_ = std::vector<int64_t>(params_->n(), 1000);
};

TEST_F(OneTimeSeedTest, RefusesASecondMessage) {
  OneTimeSeed seed;
  encrypted(std::move(seed));
  EXPECT_EQ(code_of([&] { encrypted(std::move(seed)); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { static_cast<void>(seed.announced()); }), ErrorCode::invalid_argument);
}

TEST_F(OneTimeSeedTest, IsSpentByAMessageThatWasRefused) {
  OneTimeSeed seed;
  EXPECT_EQ(code_of([&] { encrypt(secret_, message_, 1, 99, std::move(seed)); }),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { encrypted(std::move(seed)); }), ErrorCode::invalid_argument);
}

TEST_F(OneTimeSeedTest, RefusesToEncryptInACopyOfTheProcessWhichLeavesTheOriginalAlone) {
  OneTimeSeed seed;
  EXPECT_EQ(code_in_a_fork(seed), ErrorCode::insecure_parameters);
  EXPECT_NO_THROW(encrypted(std::move(seed)));
}

TEST_F(OneTimeSeedTest, EncryptsUnderTheSeedThatWasAnnouncedWhereverItMoved) {
  OneTimeSeed first;
  const Seed announced = first.announced();
  OneTimeSeed second = std::move(first);
  OneTimeSeed third;
  third = std::move(second);
  const Ciphertext ciphertext = encrypted(std::move(third));
  EXPECT_EQ(ciphertext.seed, announced);
  EXPECT_NEAR(decrypt(secret_, ciphertext)[0], 1000, 21);
  EXPECT_EQ(code_of([&] { encrypted(std::move(first)); }), ErrorCode::invalid_argument);
}

TEST_F(OneTimeSeedTest, IsNeverTheSameTwice) {
  std::set<Seed> seen;
  for (size_t i = 0; i < 1000; ++i) seen.insert(OneTimeSeed().announced());
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace cryptotl
