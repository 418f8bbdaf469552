#include "transfer/cache_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "cryptotl/base/file.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

Error failed(const fs::path& path, int number) {
  return in_file(path, number == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_argument,
                 std::generic_category().message(number));
}

std::string octal(mode_t mode) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode));
  return text.data();
}

}  // namespace

Result<fs::path> resolve_cache_path(const fs::path& path) {
  if (!path.has_filename()) return in_file(path, ErrorCode::invalid_argument, "a folder, no feature cache");
  std::error_code failure;
  const fs::path folder = fs::canonical(path.has_parent_path() ? path.parent_path() : ".", failure);
  if (failure) return failed(path, failure.value());
  return folder / path.filename();
}

Status make_cache_file(const fs::path& path) {
  constexpr mode_t kOwnerOnly = 0600;
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) return errno == EEXIST ? Status() : Status(failed(path, errno));
  ::fchmod(descriptor, kOwnerOnly);  // a mask may have taken rights of ours away
  ::close(descriptor);
  return {};
}

Status check_cache_owner(const fs::path& path, bool or_wider) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return failed(path, errno);
  if (!S_ISREG(info.st_mode))
    return in_file(path, ErrorCode::invalid_argument, "no file, so no feature cache");
  if (info.st_uid != ::geteuid())
    return in_file(path, ErrorCode::insecure_parameters, "the feature cache belongs to another user");
  if (or_wider) return {};
  const mode_t mode = info.st_mode & 07777;
  if ((mode & 077) != 0) {
    return in_file(
        path, ErrorCode::insecure_parameters,
        "others may read the feature cache (mode " + octal(mode) + "); chmod 600 makes it yours alone");
  }
  if ((mode & 0600) != 0600) {
    return in_file(
        path, ErrorCode::invalid_argument,
        "the feature cache is read-only (mode " + octal(mode) + "); chmod 600, --cache or --no-cache");
  }
  return {};
}

bool is_cache_header(ByteView bytes) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr size_t kApplicationOffset = 68;
  if (bytes.size() < kCacheHeaderBytes || as_text(bytes.first(kMagic.size())) != kMagic) return false;
  uint32_t application = 0;  // big-endian
  for (size_t i = 0; i < 4; ++i) application = application << 8 | bytes[kApplicationOffset + i];
  return application == kCacheApplication;
}

}  // namespace cryptotl
