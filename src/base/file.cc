#include "cryptotl/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace cryptotl {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  bool open() const { return number_ >= 0; }

 private:
  int number_;
};

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

Status write_all(int descriptor, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  if (::fsync(descriptor) != 0) return failed("write", path);
  return {};
}

/// Makes the rename itself durable.
void sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.open()) static_cast<void>(::fsync(descriptor.number()));
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, size_t limit) {
  // O_NONBLOCK: a named pipe is refused below instead of waited for.
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.open()) return failed("open", path);
  struct stat info {};
  if (::fstat(descriptor.number(), &info) != 0) return failed("read", path);
  if (!S_ISREG(info.st_mode)) return Error(ErrorCode::invalid_argument, path.string() + " is not a file");
  const auto size = static_cast<size_t>(info.st_size);
  if (size > limit) {
    return Error(ErrorCode::too_large, path.string() + " holds " + std::to_string(size) + " bytes; at most " +
                                           std::to_string(limit) + " are read");
  }
  Bytes bytes(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(descriptor.number(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

Status write_file(const std::filesystem::path& path, ByteView bytes, FileMode mode) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::string temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  const Descriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600 from the start
  if (!descriptor.open()) return failed("write", path);
  const bool ready = mode == FileMode::owner_only || ::fchmod(descriptor.number(), 0644) == 0;
  Status status = ready ? write_all(descriptor.number(), bytes, path) : Status(failed("write", path));
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) status = failed("write", path);
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  sync_folder(folder);
  return {};
}

}  // namespace cryptotl
