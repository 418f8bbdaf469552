#include "service/seed_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "cryptotl/base/file.h"
#include "service/party.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

const Digest kKeys = digest(as_bytes("keys"));
const Digest kOne = digest(as_bytes("one request"));
const Digest kOther = digest(as_bytes("another"));
constexpr size_t kHeader = 48;
constexpr size_t kRecord = 40;

class SeedLedgerTest : public testing::Test {
 protected:
  std::unique_ptr<SeedLedger> ledger(size_t limit = 1000) const {
    return std::make_unique<SeedLedger>(path_, kKeys, limit);
  }
  static void expect_refused(const Status& status, const std::string& reason,
                             ErrorCode code = ErrorCode::parameter_mismatch) {
    ASSERT_FALSE(status.ok()) << reason;
    EXPECT_EQ(status.error().code(), code);
    EXPECT_THAT(status.error().what(), HasSubstr(reason));
    EXPECT_THAT(status.error().what(), testing::Not(HasSubstr("\n")));
  }
  /// A ledger on disk of so many seeds, which it returns.
  std::vector<Seed> written(size_t count) const {
    std::vector<Seed> seeds(count);
    const auto made = ledger();
    for (Seed& seed : seeds) made->claim(seed = random_seed(), kOne).value();
    return seeds;
  }
  void put(const Bytes& bytes) const { std::ofstream(path_, std::ios::binary) << as_text(bytes); }
  size_t bytes_on_disk() const { return std::filesystem::file_size(path_); }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "ledger.seeds";
};

TEST_F(SeedLedgerTest, RefusesAnotherRequestUnderASeedWithTheReasonAndTheRemedy) {
  const auto one = ledger();
  const Seed seed = random_seed();
  ASSERT_TRUE(one->claim(seed, kOne).ok());
  expect_refused(one->claim(seed, kOther), "difference");
  expect_refused(one->claim(seed, kOther), "make new keys");
  EXPECT_EQ(bytes_on_disk(), kHeader + kRecord) << "a refused request leaves nothing";
}

TEST_F(SeedLedgerTest, RefusesFilesThatAreNoneOfItsOwn) {
  put(Bytes(10, 'x'));
  expect_refused(ledger()->claim(random_seed(), kOne), "none of ours");
  put(Bytes(1000, 'x'));
  expect_refused(ledger()->claim(random_seed(), kOne), "none of ours");
  EXPECT_EQ(bytes_on_disk(), 1000u) << "and leaves them as they are";
  std::filesystem::remove(path_);
  SeedLedger(path_, kOther, 10).claim(random_seed(), kOne).value();
  expect_refused(ledger()->claim(random_seed(), kOne), "none of ours");
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(folder_.path() / "elsewhere", path_);
  expect_refused(ledger()->claim(random_seed(), kOne), "opened", ErrorCode::resource_exhausted);
}

TEST_F(SeedLedgerTest, RefusesEveryDamageButInItsLastRecord) {
  const std::vector<Seed> seeds = written(4);
  const Bytes good = read_file(path_).value();
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 1;
    put(bad);
    if (i < kHeader + 3 * kRecord) {
      expect_refused(ledger()->claim(random_seed(), kOne), i < kHeader ? "none of ours" : "is damaged");
    } else {
      EXPECT_FALSE(ledger()->knows_any(std::span(seeds).last(1)).value()) << i;
    }
  }
}

TEST_F(SeedLedgerTest, RefusesAFileThatBecameShorterOrIsLongerThanOneMayBe) {
  const auto used = ledger();
  used->claim(random_seed(), kOne).value();
  std::filesystem::resize_file(path_, kHeader);
  expect_refused(used->claim(random_seed(), kOne), "shorter");
  std::filesystem::resize_file(path_, kHeader + 1002 * kRecord);
  expect_refused(ledger()->claim(random_seed(), kOne), "longer");
}

TEST_F(SeedLedgerTest, RefusesMoreSeedsThanItsLimitAndStillServesThoseItKnows) {
  const auto tight = ledger(3);
  std::vector<Seed> seeds(3);
  for (Seed& seed : seeds) ASSERT_TRUE(tight->claim(seed = random_seed(), kOne).ok());
  expect_refused(tight->claim(random_seed(), kOne), "make new keys");
  EXPECT_TRUE(tight->claim(seeds[1], kOne).ok());
  EXPECT_TRUE(ledger(3)->claim(seeds[2], kOne).ok());
}

TEST_F(SeedLedgerTest, SaysThatItsFolderIsGone) {
  SeedLedgers ledgers(folder_.path() / "missing", {});
  expect_refused(ledgers.claim(kKeys, random_seed(), kOne), "opened", ErrorCode::resource_exhausted);
}

TEST_F(SeedLedgerTest, TakesTheSameRequestAgain) {
  const auto one = ledger();
  const Seed seed = random_seed();
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(one->claim(seed, kOne).ok());
  EXPECT_EQ(one->size(), 1u);
  EXPECT_EQ(bytes_on_disk(), kHeader + kRecord);
}

TEST_F(SeedLedgerTest, RemembersWhenItIsOpenedAgain) {
  const std::vector<Seed> seeds = written(50);
  const auto again = ledger();
  for (const Seed& seed : seeds) {
    EXPECT_TRUE(again->claim(seed, kOne).ok());
    expect_refused(again->claim(seed, kOther), "difference");
  }
  EXPECT_EQ(again->size(), 50u);
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SeedLedgerTest, ForgetsATornLastRecordAloneAndWritesOn) {
  const std::vector<Seed> seeds = written(3);
  const Bytes good = read_file(path_).value();
  for (size_t size = 0; size < good.size(); ++size) {
    put(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)));
    const size_t whole = size < kHeader ? 0 : (size - kHeader) / kRecord;
    const auto torn = ledger();
    for (size_t i = 0; i < seeds.size(); ++i)
      EXPECT_EQ(torn->knows_any(std::span(seeds).subspan(i, 1)).value(), i < whole) << size;
    ASSERT_TRUE(torn->claim(random_seed(), kOne).ok());
    EXPECT_EQ(bytes_on_disk(), kHeader + (whole + 1) * kRecord);
    EXPECT_FALSE(ledger()->knows_any(std::vector<Seed>{random_seed()}).value());
  }
}

TEST_F(SeedLedgerTest, ReadsWhatAnotherProcessAdded) {
  const auto one = ledger();
  const auto two = ledger();
  const Seed seed = random_seed();
  one->claim(random_seed(), kOne).value();
  two->claim(seed, kOne).value();
  expect_refused(one->claim(seed, kOther), "difference");
  EXPECT_EQ(one->size(), 2u);
}

TEST_F(SeedLedgerTest, GivesEverySeedToOneRequestWhoeverComesAtOnce) {
  const auto one = ledger();
  const auto two = ledger();
  std::vector<Seed> seeds(100);
  for (Seed& seed : seeds) seed = random_seed();
  std::atomic<size_t> taken = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Digest request = digest(Bytes(1, static_cast<uint8_t>(t)));
      for (const Seed& seed : seeds) taken += (t % 2 == 0 ? one : two)->claim(seed, request).ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 100u);
  EXPECT_EQ(bytes_on_disk(), kHeader + 100 * kRecord);
}

TEST_F(SeedLedgerTest, HasAFileForEachKeySetAndHoldsFewInMemory) {
  ServiceLimits limits;
  limits.seeds_in_memory = 5;
  SeedLedgers ledgers(folder_.path(), limits);
  const Seed seed = random_seed();
  for (uint8_t keys = 0; keys < 100; ++keys) {
    const Digest name = digest(Bytes(1, keys));
    ASSERT_TRUE(ledgers.claim(name, seed, kOne).ok()) << "one seed may stand under two keys";
    EXPECT_TRUE(std::filesystem::exists(folder_.path() / (hex(name) + ".seeds")));
  }
  for (uint8_t keys = 0; keys < 100; ++keys)
    expect_refused(ledgers.claim(digest(Bytes(1, keys)), seed, kOther), "difference");
}

}  // namespace
}  // namespace cryptotl
