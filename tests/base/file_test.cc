#include "cryptotl/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/faults.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Bytes repeated(uint8_t byte, size_t count) { return Bytes(count, byte); }

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

/// A folder of its own for each test.
class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = (fs::temp_directory_path() / "cryptotl-file-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  ~FileTest() override { fs::remove_all(folder_); }

  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(FileTest, ReadingAFileThatIsNotThereSaysNotFoundAndNamesIt) {
  const Result<Bytes> bytes = read_file(folder_ / "absent");
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().code(), ErrorCode::not_found);
  EXPECT_THAT(bytes.error().what(), HasSubstr((folder_ / "absent").string()));
}

TEST_F(FileTest, ReadingAFolderOrANamedPipeIsRefusedAtOnce) {
  EXPECT_EQ(read_file(folder_).error().code(), ErrorCode::invalid_argument);
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(read_file(pipe).error().what(), HasSubstr("is not a file"));
}

TEST_F(FileTest, ReadingMoreThanTheLimitIsRefusedWithoutAllocating) {
  const fs::path path = folder_ / "sparse";
  ASSERT_TRUE(write_file(path, repeated(1, 10)).ok());
  EXPECT_EQ(read_file(path, 9).error().code(), ErrorCode::too_large);
  EXPECT_THAT(read_file(path, 9).error().what(), HasSubstr("10 bytes; at most 9"));
  EXPECT_EQ(read_file(path, 10)->size(), 10u);
  fs::resize_file(path, uintmax_t{1} << 42);  // four TiB that take no place: no machine could allocate them
  EXPECT_EQ(read_file(path).error().code(), ErrorCode::too_large);
}

TEST_F(FileTest, ReadingSurvivesInterruptsAndShortReads) {
  const fs::path path = folder_ / "file";
  const Bytes bytes = repeated(7, 5000);
  ASSERT_TRUE(write_file(path, bytes).ok());
  Faults faults;
  faults.shorten(999);
  faults.fail("pread", 1, EINTR, 3);
  EXPECT_EQ(*read_file(path), bytes);
  EXPECT_TRUE(faults.fired());
}

TEST_F(FileTest, AFailingReadGivesAnErrorAndNoBytes) {
  const fs::path path = folder_ / "file";
  ASSERT_TRUE(write_file(path, repeated(7, 5000)).ok());
  Faults faults;
  faults.shorten(999);
  faults.fail("pread", 3, EIO);
  const Result<Bytes> bytes = read_file(path);
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(bytes.error().what(), HasSubstr("Input/output error"));
}

TEST_F(FileTest, WritingIntoAFolderThatIsNotThereSaysSo) {
  const Status status = write_file(folder_ / "absent" / "file", repeated(1, 1));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::not_found);
}

TEST_F(FileTest, WritingOverAFolderIsRefusedAndLeavesNothingBehind) {
  fs::create_directory(folder_ / "inner");
  EXPECT_EQ(write_file(folder_ / "inner", repeated(1, 1)).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(files(), 1u);
}

/// Every call of a kind is made to fail in turn, until a run meets no fault any more.
class FaultsTest : public FileTest, public testing::WithParamInterface<std::tuple<const char*, int>> {
 protected:
  /// `write(path)` makes a file that holds `after`, over an older one.
  template <typename Write>
  void leaves_the_old_file_or_the_new_one(const Write& write, const Bytes& after) {
    const auto [call, error] = GetParam();
    const fs::path path = folder_ / "file";
    const Bytes before = repeated('o', 3000);
    for (size_t index = 0;; ++index) {
      SCOPED_TRACE(std::string(call) + " number " + std::to_string(index));
      ASSERT_LT(index, 20u) << "the faults never end";
      ASSERT_TRUE(write_file(path, before).ok());
      Faults faults;
      faults.shorten(1000);
      faults.fail(call, index, error);
      const Status status = write(path);
      EXPECT_EQ(*read_file(path), status.ok() ? after : before);
      EXPECT_EQ(files(), 1u) << "a temporary file is left";
      if (!status.ok()) {
        EXPECT_THAT(status.error().what(), HasSubstr(path.string()));
      }
      if (faults.fired()) continue;
      EXPECT_TRUE(status.ok());
      EXPECT_GT(index, 0u) << "this call is never made";
      break;
    }
  }
};

class FailedWriteTest : public FaultsTest {};

TEST_P(FailedWriteTest, LeavesTheOldFileOrTheNewOne) {
  const Bytes after = repeated('n', 5000);
  leaves_the_old_file_or_the_new_one([&](const fs::path& path) { return write_file(path, after); }, after);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, FailedWriteTest,
                         testing::Values(std::tuple{"mkostemp", EACCES}, std::tuple{"fchmod", EPERM},
                                         std::tuple{"write", ENOSPC}, std::tuple{"write", EIO},
                                         std::tuple{"fsync", EIO}, std::tuple{"rename", EIO}));

/// The same of a file that is written in pieces, one of them twice.
class FailedPiecesTest : public FaultsTest {
 protected:
  static Status write_pieces(const fs::path& path) {
    auto file = FileWriter::begin(path);
    if (!file.ok()) return file.error();
    CRYPTOTL_TRY(file->append(repeated('a', 1500)));
    CRYPTOTL_TRY(file->append(repeated('b', 1500)));
    CRYPTOTL_TRY(file->replace(1000, repeated('c', 1200)));
    return file->commit();
  }
  static Bytes whole() {
    Bytes out = repeated('a', 3000);
    std::fill(out.begin() + 1000, out.begin() + 2200, uint8_t{'c'});
    std::fill(out.begin() + 2200, out.end(), uint8_t{'b'});
    return out;
  }
};

TEST_P(FailedPiecesTest, LeaveTheOldFileOrTheNewOne) {
  leaves_the_old_file_or_the_new_one(write_pieces, whole());
}

INSTANTIATE_TEST_SUITE_P(EveryCall, FailedPiecesTest,
                         testing::Values(std::tuple{"mkostemp", EACCES}, std::tuple{"write", ENOSPC},
                                         std::tuple{"pwrite", EIO}, std::tuple{"fsync", EIO},
                                         std::tuple{"rename", EIO}));

TEST_F(FileTest, PiecesThatAreNotCommittedLeaveNothing) {
  {
    FileWriter file = FileWriter::begin(folder_ / "file").value();
    ASSERT_TRUE(file.append(repeated(1, 100)).ok());
    const FileWriter moved = std::move(file);
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(FileTest, APieceIsReadWhereItStandsAndNoFurtherThanTheEnd) {
  const fs::path path = folder_ / "file";
  Bytes bytes(5000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i % 251);
  ASSERT_TRUE(write_file(path, bytes).ok());
  const FileReader file = FileReader::open(path).value();
  EXPECT_EQ(file.size(), 5000u);
  Faults faults;
  faults.shorten(333);
  faults.fail("pread", 1, EINTR, 3);
  Bytes piece(1000);
  EXPECT_EQ(file.read(1234, piece).value(), 1000u);
  EXPECT_TRUE(std::ranges::equal(piece, ByteView(bytes).subspan(1234, 1000)));
  EXPECT_EQ(file.read(4500, piece).value(), 500u);
  EXPECT_EQ(file.read(6000, piece).value(), 0u);
  ASSERT_TRUE(write_file(path, repeated(0, 10)).ok());  // another file by the same name
  EXPECT_EQ(file.read(1234, piece).value(), 1000u);
  EXPECT_TRUE(std::ranges::equal(piece, ByteView(bytes).subspan(1234, 1000)));
}

TEST_F(FileTest, AFullDiskIsCalledThat) {
  Faults faults;
  faults.fail("write", 0, ENOSPC);
  const Status status = write_file(folder_ / "file", repeated(1, 10));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(status.error().what(), HasSubstr("No space left"));
}

TEST_F(FileTest, AProcessThatDiesAtAnyCallLeavesTheOldFileOrTheNewOne) {
  const fs::path path = folder_ / "file";
  const Bytes before = repeated('o', 3000);
  const Bytes after = repeated('n', 5000);
  bool lived = false;
  for (size_t index = 0; !lived; ++index) {
    ASSERT_LT(index, 20u);
    ASSERT_TRUE(write_file(path, before).ok());
    const pid_t child = ::fork();
    if (child == 0) {
      Faults faults;
      faults.shorten(1000);
      faults.end_process_at(index);
      ::_exit(write_file(path, after).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    lived = WEXITSTATUS(status) != kEndedByFault;
    const Bytes found = *read_file(path);
    EXPECT_TRUE(found == before || found == after) << index;
    if (lived) {
      EXPECT_EQ(found, after);
    }
  }
}

TEST_F(FileTest, WritingSurvivesInterruptsAndShortWrites) {
  const Bytes bytes = repeated(3, 10000);
  Faults faults;
  faults.shorten(999);
  faults.fail("write", 2, EINTR, 5);
  EXPECT_TRUE(write_file(folder_ / "file", bytes).ok());
  EXPECT_TRUE(faults.fired());
  EXPECT_EQ(*read_file(folder_ / "file"), bytes);
}

TEST_F(FileTest, ASecretFileIsItsOwnersAloneFromItsFirstByteOn) {
  const fs::path path = folder_ / "secret";
  const mode_t old_mask = ::umask(0);
  std::vector<mode_t> modes;
  {
    Faults faults;
    faults.shorten(100);
    faults.watch_writes([&](int descriptor) {
      struct stat info {};
      if (::fstat(descriptor, &info) == 0) modes.push_back(info.st_mode & 07777);
    });
    EXPECT_TRUE(write_file(path, repeated(1, 250), FileMode::owner_only).ok());
  }
  ::umask(old_mask);
  EXPECT_THAT(modes, testing::ElementsAre(0600, 0600, 0600));
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST_F(FileTest, ASecretFileReplacesAReadableOneWithItsOwnMode) {
  const fs::path path = folder_ / "file";
  ASSERT_TRUE(write_file(path, repeated(1, 1)).ok());
  EXPECT_EQ(mode_of(path), 0644u);
  ASSERT_TRUE(write_file(path, repeated(2, 1), FileMode::owner_only).ok());
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST_F(FileTest, WritesAndReadsBackEverySize) {
  const fs::path path = folder_ / "file";
  for (const size_t size : {0u, 1u, 4096u, 1000003u}) {
    const Bytes bytes = repeated(static_cast<uint8_t>(size), size);
    ASSERT_TRUE(write_file(path, bytes).ok());
    EXPECT_EQ(*read_file(path), bytes);
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, WritesAPathWithoutAFolderIntoTheCurrentOne) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const Status status = write_file("plain", repeated(1, 3));
  fs::current_path(before);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(read_file(folder_ / "plain")->size(), 3u);
}

}  // namespace
}  // namespace cryptotl
