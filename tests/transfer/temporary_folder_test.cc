#include "cryptotl/transfer/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::array kFiles = {"a", "b"};

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

class StagedFolderTest : public testing::Test {
 protected:
  Status stage(bool replace, std::span<const char* const> kept = {}) {
    auto staged = StagedFolder::begin(target_, kFiles, replace, kept);
    if (!staged.ok()) return staged.error();
    write_text(staged->path() / "a", "new");
    return staged->commit(fs::perms::owner_all);
  }
  std::string content(const char* name) const {
    std::ifstream file(target_ / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  TemporaryFolder folder_ = test_folder();
  fs::path target_ = folder_.path() / "target";
};

TEST_F(StagedFolderTest, RefusesAFolderThatIsThereUnlessAskedToReplaceIt) {
  fs::create_directory(target_);
  write_text(target_ / "a", "old");
  const Status status = stage(false);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(status.error().what(), HasSubstr("--force"));
  EXPECT_EQ(content("a"), "old");
}

TEST_F(StagedFolderTest, NeverReplacesAFolderWithFilesOfSomebodyElse) {
  fs::create_directory(target_);
  write_text(target_ / "thesis.tex", "years of work");
  const Status status = stage(true);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().what(), HasSubstr("thesis.tex"));
  EXPECT_EQ(content("thesis.tex"), "years of work");
}

TEST_F(StagedFolderTest, RefusesAFileInItsPlace) {
  write_text(target_, "a file");
  EXPECT_FALSE(stage(true).ok());
}

TEST_F(StagedFolderTest, RefusesAFolderWhoseParentIsMissing) {
  target_ = folder_.path() / "missing" / "target";
  EXPECT_FALSE(stage(true).ok());
}

TEST_F(StagedFolderTest, LeavesNothingWithoutCommit) {
  { const auto staged = StagedFolder::begin(target_, kFiles, false).value(); }
  EXPECT_EQ(entries(folder_.path()), 0u);
}

TEST_F(StagedFolderTest, AppearsWithItsFilesAndNothingElse) {
  target_ += "/";
  ASSERT_TRUE(stage(false).ok());
  EXPECT_EQ(content("a"), "new");
  EXPECT_EQ(fs::status(target_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(entries(folder_.path()), 1u);
}

TEST_F(StagedFolderTest, TakesThePlaceOfAnEmptyFolder) {
  fs::create_directory(target_);
  ASSERT_TRUE(stage(false).ok());
  EXPECT_EQ(content("a"), "new");
}

TEST_F(StagedFolderTest, ReplacesAnOldFolderAndKeepsWhatIsToBeKept) {
  fs::create_directories(target_ / "store");
  write_text(target_ / "a", "old");
  write_text(target_ / "b", "old");
  write_text(target_ / "store" / "key", "kept");
  constexpr std::array kKept = {"store"};
  ASSERT_TRUE(stage(true, kKept).ok());
  EXPECT_EQ(content("a"), "new");
  EXPECT_FALSE(fs::exists(target_ / "b"));
  EXPECT_EQ(content("store/key"), "kept");
  EXPECT_EQ(entries(folder_.path()), 1u);
}

TEST(TemporaryFolderTest, AllGoWhenAProgramIsEnded) {
  const TemporaryFolder one = test_folder();
  TemporaryFolder other = test_folder();
  const TemporaryFolder moved = std::move(other);
  write_text(moved.path() / "file", "text");
  remove_temporary_folders();
  EXPECT_FALSE(fs::exists(one.path()));
  EXPECT_FALSE(fs::exists(moved.path()));
}

TEST(OutputFileTest, IsRefusedWhereItCouldNotBeWritten) {
  const TemporaryFolder folder = test_folder();
  const fs::path file = folder.path() / "file";
  EXPECT_TRUE(check_output_file(file, false).ok());
  EXPECT_FALSE(check_output_file(folder.path() / "missing" / "file", true).ok());
  EXPECT_FALSE(check_output_file(folder.path(), true).ok());
  write_text(file, "text");
  EXPECT_FALSE(check_output_file(file, false).ok());
  EXPECT_TRUE(check_output_file(file, true).ok());
}

}  // namespace
}  // namespace cryptotl
