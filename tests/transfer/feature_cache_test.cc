#include "cryptotl/transfer/feature_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "cryptotl/base/file.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

void overwrite(const fs::path& path, const Bytes& bytes) { write_text(path, std::string(as_text(bytes))); }

class FeatureCacheTest : public testing::Test {
 protected:
  FeatureCache open(size_t limit = FeatureCache::kDefaultLimit) {
    return FeatureCache::open(path_, model_, limit).value();
  }
  Error refusal() {
    const auto cache = FeatureCache::open(path_, model_);
    return cache.ok() ? Error(ErrorCode::internal, "opened") : cache.error();
  }
  Digest row(size_t i) const { return input_digest(rows_.row(i)); }
  std::span<const double> features(size_t i) const { return features_.row(i); }
  void fill(FeatureCache& cache, size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) cache.add(row(i), features(i));
    cache.flush();
  }
  std::vector<size_t> found(FeatureCache& cache) const {
    std::vector<size_t> out;
    for (size_t i = 0; i < rows_.rows; ++i) {
      const auto kept = cache.find(row(i));
      if (!kept) continue;
      out.push_back(i);
      EXPECT_TRUE(std::ranges::equal(kept->features, features(i))) << i;
      EXPECT_FALSE(kept->flagged);
    }
    return out;
  }
  void run_sql(const std::string& sql) const {
    sqlite3* file = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &file), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(file, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(file);
    sqlite3_close(file);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_.path())) out.push_back(entry.path().filename());
    return out;
  }

  TemporaryFolder folder_ = test_folder();
  fs::path path_ = folder_.path() / "cache";
  ModelMetadata model_ = metadata_of(small_model());
  Matrix rows_ = uniform_matrix(200, kSmallInputs, 3);
  Matrix features_ = uniform_matrix(200, kSmallFeatures, 4);
};

// --- Refusals

TEST_F(FeatureCacheTest, RefusesAFileThatIsNoneOfOursAndLeavesItAlone) {
  for (const std::string& content : {std::string("my thesis"), std::string(5000, 'x')}) {
    write_text(path_, content);
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(refusal().code(), ErrorCode::malformed);
    EXPECT_FALSE(remove_feature_cache(path_).ok());
    EXPECT_EQ(as_text(read_file(path_).value()), content);
  }
}

TEST_F(FeatureCacheTest, RefusesAnotherProgramsDatabase) {
  run_sql("CREATE TABLE mine (x)");
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  const Bytes before = read_file(path_).value();
  EXPECT_EQ(refusal().code(), ErrorCode::malformed);
  EXPECT_FALSE(remove_feature_cache(path_).ok());
  EXPECT_EQ(read_file(path_).value(), before);
}

TEST_F(FeatureCacheTest, RefusesAFileThatOthersMayRead) {
  open();
  for (const unsigned mode : {0640U, 0604U, 0620U, 0666U}) {
    ::chmod(path_.c_str(), mode);
    const Error error = refusal();
    EXPECT_EQ(error.code(), ErrorCode::insecure_parameters);
    EXPECT_THAT(error.what(), HasSubstr("chmod 600"));
    EXPECT_EQ(mode_of(path_), mode);
  }
  EXPECT_TRUE(remove_feature_cache(path_).ok());
}

TEST_F(FeatureCacheTest, RefusesAReadOnlyFile) {
  open();
  ::chmod(path_.c_str(), 0400);
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_THAT(error.what(), HasSubstr("read-only"));
}

TEST_F(FeatureCacheTest, RefusesAnotherUsersFile) {
  open();
  if (::chown(path_.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "only root can give a file away";
  EXPECT_EQ(refusal().code(), ErrorCode::insecure_parameters);
  EXPECT_EQ(remove_feature_cache(path_).error().code(), ErrorCode::insecure_parameters);
}

TEST_F(FeatureCacheTest, RefusesLinksFoldersAndMissingPlaces) {
  open();
  fs::create_symlink(path_, folder_.path() / "link");
  path_ = folder_.path() / "link";
  EXPECT_EQ(refusal().code(), ErrorCode::invalid_argument);
  path_ = folder_.path();
  EXPECT_EQ(refusal().code(), ErrorCode::invalid_argument);
  path_ = folder_.path() / "missing" / "cache";
  EXPECT_EQ(refusal().code(), ErrorCode::not_found);
}

TEST_F(FeatureCacheTest, RefusesANewerVersion) {
  open();
  run_sql("PRAGMA user_version = 2");
  EXPECT_EQ(refusal().code(), ErrorCode::unsupported_version);
  EXPECT_THAT(refusal().what(), HasSubstr("version 2"));
  EXPECT_TRUE(remove_feature_cache(path_).ok());
}

TEST_F(FeatureCacheTest, RefusesTablesThatAreNotOurs) {
  open();
  run_sql("CREATE TRIGGER mine AFTER INSERT ON inputs BEGIN DELETE FROM inputs; END");
  EXPECT_EQ(refusal().code(), ErrorCode::malformed);
}

TEST_F(FeatureCacheTest, NeverGivesAWrongFeatureWhicheverByteIsDamaged) {
  {
    FeatureCache cache = open();
    fill(cache, 0, 20);
  }
  const Bytes right = read_file(path_).value();
  size_t refused = 0, lost = 0;
  for (size_t at = 0; at < right.size(); at += at < 110 ? 1 : 173) {
    Bytes damaged = right;
    damaged[at] ^= 0x15;
    overwrite(path_, damaged);
    try {
      FeatureCache cache = open();
      lost += found(cache).size() < 20 ? 1 : 0;  // looks at the values that are found
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::malformed || error.code() == ErrorCode::unsupported_version ||
                  error.code() == ErrorCode::invalid_argument)
          << at << ": " << error.what();
      ++refused;
    }
    fs::remove(folder_.path() / "cache-journal");
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(lost, 0u);
}

TEST_F(FeatureCacheTest, ATruncatedFileIsRefusedAndCanBeRemoved) {
  {
    FeatureCache cache = open();
    fill(cache, 0, 200);
  }
  fs::resize_file(path_, 9000);
  FeatureCache* none = nullptr;
  Error error(ErrorCode::internal, "found");
  try {
    FeatureCache cache = open();
    none = &cache;
    found(cache);
  } catch (const Error& refused) {
    error = refused;
  }
  static_cast<void>(none);
  EXPECT_EQ(error.code(), ErrorCode::malformed);
  EXPECT_THAT(error.what(), HasSubstr("--clear"));
  EXPECT_TRUE(remove_feature_cache(path_).ok());
  EXPECT_THAT(names(), IsEmpty());
}

// --- What it promises

TEST_F(FeatureCacheTest, GivesBackWhatWasAddedBitByBit) {
  {
    FeatureCache cache = open();
    EXPECT_FALSE(cache.find(row(0)));
    fill(cache, 0, 150);
    EXPECT_EQ(cache.kept(), 150u);
  }
  FeatureCache cache = open();
  EXPECT_THAT(found(cache), SizeIs(150));
  EXPECT_THAT(cache.warnings(), IsEmpty());
}

TEST_F(FeatureCacheTest, KeepsOfAFlaggedRowThatItIsFlagged) {
  FeatureCache cache = open();
  cache.add(row(0), {});
  cache.flush();
  const auto kept = cache.find(row(0));
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->flagged);
  EXPECT_THAT(kept->features, IsEmpty());
  EXPECT_EQ(describe_feature_cache(path_).value()["flagged_rows"], 1);
}

TEST_F(FeatureCacheTest, TellsInputsModelsAndPlansApart) {
  {
    FeatureCache cache = open();
    fill(cache, 0, 10);
    Matrix other = take_rows(rows_, std::vector<size_t>{0});
    other(0, 0) = std::nextafter(other(0, 0), 2);
    EXPECT_FALSE(cache.find(input_digest(other.row(0))));
  }
  const ModelMetadata before = model_;
  model_.model_digest[31] ^= 1;
  {
    FeatureCache cache = open();
    EXPECT_THAT(found(cache), IsEmpty());
  }
  model_ = before;
  model_.plan.predicted_error *= 2;
  {
    FeatureCache cache = open();
    EXPECT_THAT(found(cache), IsEmpty());
    fill(cache, 5, 8);
    EXPECT_THAT(found(cache), ElementsAre(5, 6, 7));
  }
  model_ = before;
  FeatureCache cache = open();
  EXPECT_THAT(found(cache), SizeIs(10));
  EXPECT_THAT(describe_feature_cache(path_).value()["models"], SizeIs(2));
}

TEST_F(FeatureCacheTest, IsTheOwnersAloneWhateverTheMaskAndSoIsItsJournal) {
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const mode_t before = ::umask(mask);
    {
      FeatureCache cache = open();
      fill(cache, 0, 5);
    }
    EXPECT_EQ(mode_of(path_), 0600u);
    // As a process that is killed in the middle of a transaction would leave it.
    sqlite3* file = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &file), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(file, "BEGIN IMMEDIATE; DELETE FROM inputs", nullptr, nullptr, nullptr),
              SQLITE_OK);
    EXPECT_EQ(mode_of(folder_.path() / "cache-journal"), 0600u);
    sqlite3_close(file);
    ::umask(before);
    EXPECT_TRUE(remove_feature_cache(path_).ok());
  }
}

TEST_F(FeatureCacheTest, LeavesOneFileBehind) {
  {
    FeatureCache cache = open();
    fill(cache, 0, 50);
  }
  EXPECT_THAT(names(), ElementsAre("cache"));
}

TEST_F(FeatureCacheTest, LosesAtMostASecondWhenItsProcessIsKilled) {
  for (int round = 0; round < 5; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      // Half of the rows in time to be written, the rest too late.
      auto cache = FeatureCache::open(path_, model_);
      for (size_t i = 0; i < 100; ++i) cache->add(row(i), features(i));
      std::this_thread::sleep_for(std::chrono::milliseconds(1050));
      for (size_t i = 100; i < 200; ++i) cache->add(row(i), features(i));
      ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    FeatureCache cache = open();
    EXPECT_GE(found(cache).size(), 101u);
  }
}

TEST_F(FeatureCacheTest, ServesProcessesThatUseItAtOnce) {
  constexpr size_t kProcesses = 3;
  std::vector<pid_t> children;
  for (size_t number = 0; number < kProcesses; ++number) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    auto cache = FeatureCache::open(path_, model_);
    bool right = cache.ok();
    // Rows of its own and, shared with the others, the first ones.
    for (size_t i = 0; right && i < 150; ++i) {
      const size_t at = i < 30 ? i : (30 + 40 * number + i % 40);
      cache->add(row(at), features(at));
      if (i % 10 == 0) cache->flush();
      right = !cache->find(row(0)) || cache->warnings().empty();
    }
    if (right) cache->flush();
    ::_exit(right && cache->warnings().empty() ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  FeatureCache cache = open();
  EXPECT_THAT(found(cache), SizeIs(150));
  EXPECT_EQ(describe_feature_cache(path_).value()["rows"], 150);
}

TEST_F(FeatureCacheTest, IsNeverLargerThanItsLimitAndDropsWhatWasNotUsedForLongest) {
  constexpr size_t kLimit = 700'000;
  {
    FeatureCache cache = open(kLimit);
    fill(cache, 0, 20);
  }
  {
    FeatureCache cache = open(kLimit);
    fill(cache, 20, 40);
  }
  {
    FeatureCache cache = open(kLimit);
    for (size_t i = 0; i < 10; ++i) EXPECT_TRUE(cache.find(row(i)));  // used again
    for (size_t i = 40; i < 100; ++i) fill(cache, i, i + 1);
    EXPECT_THAT(cache.warnings(), IsEmpty());
  }
  EXPECT_LE(fs::file_size(path_), kLimit);
  FeatureCache cache = open(kLimit);
  const auto left = found(cache);
  EXPECT_THAT(left, testing::IsSupersetOf({0, 9, 99}));
}

TEST_F(FeatureCacheTest, DropsNothingOfThePresentRunAndSaysThatItIsFull) {
  const size_t limit = 40 * (kSmallFeatures * sizeof(double) + 8192);
  FeatureCache cache = open(limit);
  Matrix wide(1, kSmallInputs);
  size_t added = 0;
  for (; cache.warnings().empty() && added < 100'000; ++added) {
    wide(0, 0) = static_cast<double>(added);
    cache.add(input_digest(wide.row(0)), features(0));
    if (added % 20 == 0) cache.flush();
  }
  EXPECT_THAT(cache.warnings(), ElementsAre(HasSubstr("full")));
  EXPECT_LE(fs::file_size(path_), limit);
  wide(0, 0) = 0;
  EXPECT_TRUE(cache.find(input_digest(wide.row(0))));
  EXPECT_GT(cache.kept(), 20u);
}

TEST_F(FeatureCacheTest, ForgetsOneModelAndKeepsTheOthers) {
  {
    FeatureCache cache = open();
    fill(cache, 0, 10);
  }
  model_.model_digest[0] ^= 1;
  {
    FeatureCache cache = open();
    fill(cache, 10, 20);
    cache.forget();
    EXPECT_THAT(found(cache), IsEmpty());
  }
  model_.model_digest[0] ^= 1;
  FeatureCache cache = open();
  EXPECT_THAT(found(cache), SizeIs(10));
  cache.forget();
  EXPECT_EQ(describe_feature_cache(path_).value()["rows"], 0);
}

TEST_F(FeatureCacheTest, ThatIsRemovedWhileInUseKeepsNothingMoreAndSaysSo) {
  FeatureCache cache = open();
  fill(cache, 0, 10);
  ASSERT_TRUE(remove_feature_cache(path_).ok());
  fill(cache, 10, 20);
  EXPECT_THAT(cache.warnings(), ElementsAre(HasSubstr("no longer kept")));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(FeatureCacheTest, IsNotRemovedWhileSomebodyWrites) {
  open();
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &writer), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(writer, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const Status removed = remove_feature_cache(path_);
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().code(), ErrorCode::resource_exhausted);
  EXPECT_EQ(refusal().code(), ErrorCode::resource_exhausted);
  sqlite3_close(writer);
  EXPECT_TRUE(fs::exists(path_));
}

}  // namespace
}  // namespace cryptotl
