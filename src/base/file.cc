#include "cryptotl/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace cryptotl {
namespace {

/// Whose turn it is: the caller's, where the path is wrong, or else the system's.
ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EROFS:
    case EINVAL:
      return ErrorCode::invalid_argument;
    default:
      return ErrorCode::resource_exhausted;
  }
}

Error failed(const char* what, const std::filesystem::path& path) {
  const int number = errno;
  return Error(code_of(number), std::string("cannot ") + what + " " + path.string() + ": " +
                                    std::generic_category().message(number));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

/// Makes the rename itself durable.
void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.open()) static_cast<void>(::fsync(descriptor.number()));
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}
FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Result<FileReader> FileReader::open(const std::filesystem::path& path) {
  // O_NONBLOCK: a named pipe is refused below instead of waited for.
  FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.open()) return failed("open", path);
  struct stat info {};
  if (::fstat(descriptor.number(), &info) != 0) return failed("read", path);
  if (!S_ISREG(info.st_mode)) return Error(ErrorCode::invalid_argument, path.string() + " is not a file");
  return FileReader(path, std::move(descriptor), static_cast<size_t>(info.st_size));
}

Result<size_t> FileReader::read(size_t offset, std::span<uint8_t> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(descriptor_.number(), out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path_);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Result<Bytes> read_file(const std::filesystem::path& path, size_t limit) {
  const auto file = FileReader::open(path);
  if (!file.ok()) return file.error();
  if (file->size() > limit) {
    return Error(ErrorCode::too_large, path.string() + " holds " + std::to_string(file->size()) +
                                           " bytes; at most " + std::to_string(limit) + " are read");
  }
  Bytes bytes(file->size());
  const auto count = file->read(0, bytes);
  if (!count.ok()) return count.error();
  bytes.resize(*count);
  return bytes;
}

FileWriter::FileWriter(std::filesystem::path path, std::string temporary, FileDescriptor descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(std::move(descriptor)) {}
FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::move(other.descriptor_)) {}
FileWriter::~FileWriter() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<FileWriter> FileWriter::begin(const std::filesystem::path& path, FileMode mode) {
  std::string temporary = (folder_of(path) / ("." + path.filename().string() + ".XXXXXX")).string();
  FileDescriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600 from the start
  if (!descriptor.open()) return failed("write", path);
  FileWriter out(path, std::move(temporary), std::move(descriptor));
  if (mode == FileMode::everyone_reads && ::fchmod(out.descriptor_.number(), 0644) != 0)
    return failed("write", path);
  return out;
}

Status FileWriter::append(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path_);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status FileWriter::replace(size_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path_);
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<size_t>(count);
  }
  return {};
}

Status FileWriter::commit() {
  if (::fsync(descriptor_.number()) != 0) return failed("write", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("write", path_);
  temporary_.clear();
  sync_folder(folder_of(path_));
  return {};
}

Status write_file(const std::filesystem::path& path, ByteView bytes, FileMode mode) {
  auto file = FileWriter::begin(path, mode);
  if (!file.ok()) return file.error();
  CRYPTOTL_TRY(file->append(bytes));
  return file->commit();
}

}  // namespace cryptotl
