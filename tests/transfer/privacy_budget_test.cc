#include "cryptotl/transfer/privacy_budget.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

constexpr SampledGaussian kRelease{0.1, 1.5, 50};  // an epsilon of about 1.2 at 1e-5

class PrivacyBudgetTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_ = test_folder();
  fs::path path_ = folder_.path() / "rows.budget";

  void create(double epsilon) { PrivacyBudgetFile::create(path_, {epsilon, 1e-5, {}}).value(); }
  ErrorCode open_code() const {
    const auto opened = PrivacyBudgetFile::open(path_);
    return opened.ok() ? ErrorCode::internal : opened.error().code();
  }
  std::string text() const {
    const Bytes bytes = read_file(path_).value();
    return std::string(as_text(bytes));
  }
};

TEST_F(PrivacyBudgetTest, RefusesWhatIsNoBudget) {
  for (const PrivacyBudget& wrong : {PrivacyBudget{0, 1e-5, {}},
                                     {-1, 1e-5, {}},
                                     {std::nan(""), 1e-5, {}},
                                     {8, 0, {}},
                                     {8, 1, {}},
                                     {8, 1e-13, {}}}) {
    EXPECT_EQ(PrivacyBudgetFile::create(path_, wrong).error().code(), ErrorCode::invalid_argument);
    EXPECT_FALSE(fs::exists(path_));
  }
}

TEST_F(PrivacyBudgetTest, IsNeverReplacedByAFreshOne) {
  create(8);
  const std::string before = text();
  EXPECT_EQ(PrivacyBudgetFile::create(path_, {80, 1e-5, {}}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(text(), before);
}

TEST_F(PrivacyBudgetTest, RefusesAMissingFileALinkAndAFolder) {
  EXPECT_EQ(open_code(), ErrorCode::not_found);
  PrivacyBudgetFile::create(folder_.path() / "other", {8, 1e-5, {}}).value();
  fs::create_symlink("other", path_);
  EXPECT_EQ(open_code(), ErrorCode::invalid_argument);
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_EQ(open_code(), ErrorCode::invalid_argument);
}

TEST_F(PrivacyBudgetTest, RefusesADamagedFileWhereverItIsDamaged) {
  create(8);
  PrivacyBudgetFile::open(path_).value().spend({"first", kRelease}).value();
  const std::string whole = text();
  for (size_t at = 0; at < whole.size(); at += 7) {
    std::string damaged = whole;
    damaged[at] = damaged[at] == '1' ? '2' : '1';
    write_file(path_, as_bytes(damaged), FileMode::owner_only).value();
    EXPECT_EQ(open_code(), ErrorCode::malformed) << at;
    write_file(path_, as_bytes(whole.substr(0, at)), FileMode::owner_only).value();
    EXPECT_EQ(open_code(), ErrorCode::malformed) << "cut at " << at;
  }
}

TEST_F(PrivacyBudgetTest, RefusesAFileThatOthersMayWriteTo) {
  create(8);
  fs::permissions(path_, fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(open_code(), ErrorCode::insecure_parameters);
}

TEST_F(PrivacyBudgetTest, HasModeOwnerOnlyFromTheStart) {
  create(8);
  PrivacyBudgetFile::open(path_).value().spend({"first", kRelease}).value();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(PrivacyBudgetTest, IsOpenForSpendingOnceAtATime) {
  create(8);
  {
    const auto first = PrivacyBudgetFile::open(path_);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(open_code(), ErrorCode::resource_exhausted);
    EXPECT_TRUE(PrivacyBudgetFile::read(path_).ok()) << "looking at it is free";
  }
  EXPECT_TRUE(PrivacyBudgetFile::open(path_).ok());
}

TEST_F(PrivacyBudgetTest, RefusesToOverspendAndWritesNothing) {
  create(1);
  auto file = PrivacyBudgetFile::open(path_).value();
  const std::string before = text();
  const Status refused = file.check(kRelease);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::insecure_parameters);
  EXPECT_NE(std::string(refused.error().what()).find("of 1 at delta 1e-05"), std::string::npos);
  EXPECT_EQ(file.spend({"too much", kRelease}).error().code(), ErrorCode::insecure_parameters);
  EXPECT_EQ(text(), before);
}

TEST_F(PrivacyBudgetTest, ComposesReleasesTightlyAndStopsWhereTheyAreTooMany) {
  create(4);
  const double alone = tight_epsilon({&kRelease, 1}, 1e-5);
  size_t releases = 0;
  {
    auto file = PrivacyBudgetFile::open(path_).value();
    while (releases < 100 && file.spend({"release", kRelease}).ok()) ++releases;
  }
  const PrivacyBudget budget = PrivacyBudgetFile::read(path_).value();
  ASSERT_EQ(budget.releases.size(), releases);
  EXPECT_LE(budget.spent(), 4);
  EXPECT_GT(budget.spent_with(kRelease), 4);
  EXPECT_GT(static_cast<double>(releases), 4 / alone) << "no more than adding up epsilons would allow";
  const SampledGaussian together{kRelease.sampling_rate, kRelease.noise_multiplier,
                                 kRelease.steps * releases};
  EXPECT_NEAR(budget.spent(), tight_epsilon({&together, 1}, 1e-5), 0.01);
}

}  // namespace
}  // namespace cryptotl
