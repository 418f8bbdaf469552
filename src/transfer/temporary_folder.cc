#include "cryptotl/transfer/temporary_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <utility>

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

struct Registry {
  std::mutex mutex;
  std::set<fs::path> folders;
};

Registry& registry() {
  static Registry* const instance = new Registry;  // never destroyed: a signal may come while statics die
  return *instance;
}

Error failed(const std::string& what, const fs::path& path, int number) {
  return Error(ErrorCode::invalid_argument,
               "cannot " + what + " " + path.string() + ": " + std::generic_category().message(number));
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// What stands in the way of `target`, if anything does.
Status check_target(const fs::path& target, const std::vector<std::string>& files, bool replace) {
  std::error_code failure;
  const fs::file_status status = fs::status(target, failure);
  if (status.type() == fs::file_type::not_found) return {};
  if (!fs::is_directory(status)) {
    return Error(ErrorCode::invalid_argument, target.string() + " is there and is no folder");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(target, failure)) {
    const std::string name = entry.path().filename().string();
    if (!replace)
      return Error(ErrorCode::invalid_argument, target.string() + " is there already; --force replaces it");
    if (std::ranges::find(files, name) == files.end()) {
      return Error(ErrorCode::invalid_argument,
                   target.string() + " holds " + name + ", which is none of ours; it is not replaced");
    }
  }
  if (failure) return failed("read", target, failure.value());
  return {};
}

}  // namespace

TemporaryFolder::TemporaryFolder(fs::path path) : path_(std::move(path)) {
  const std::lock_guard lock(registry().mutex);
  registry().folders.insert(path_);
}

Result<TemporaryFolder> TemporaryFolder::make(const fs::path& parent, const std::string& prefix) {
  std::string name = (fs::absolute(parent) / (prefix + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) return failed("make a folder in", parent, errno);
  return TemporaryFolder(fs::path(name));
}

void TemporaryFolder::remove() noexcept {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  const std::lock_guard lock(registry().mutex);
  registry().folders.erase(path_);
}

TemporaryFolder::~TemporaryFolder() { remove(); }
TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  return *this;
}

void remove_temporary_folders() noexcept {
  const std::lock_guard lock(registry().mutex);
  std::error_code ignored;
  for (const fs::path& folder : registry().folders) {
    // Another thread may still make a file in it, between its emptying and its end.
    for (int attempt = 0; attempt < 100 && fs::exists(folder, ignored); ++attempt)
      fs::remove_all(folder, ignored);
  }
}

StagedFolder::StagedFolder(fs::path target, std::vector<std::string> kept, TemporaryFolder temporary)
    : target_(std::move(target)), kept_(std::move(kept)), temporary_(std::move(temporary)) {}

Result<StagedFolder> StagedFolder::begin(const fs::path& target, std::span<const char* const> files,
                                         bool replace, std::span<const char* const> kept) {
  if (target.empty()) return Error(ErrorCode::invalid_argument, "a folder without a name");
  fs::path whole = fs::absolute(target).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // a slash at the end
  std::vector<std::string> expected(files.begin(), files.end());
  expected.insert(expected.end(), kept.begin(), kept.end());
  CRYPTOTL_TRY(check_target(whole, expected, replace));
  auto temporary = TemporaryFolder::make(whole.parent_path(), "." + whole.filename().string() + ".");
  if (!temporary.ok()) return temporary.error();
  return StagedFolder(std::move(whole), {kept.begin(), kept.end()}, *std::move(temporary));
}

Status StagedFolder::commit(fs::perms mode) {
  std::error_code failure;
  fs::permissions(path(), mode, failure);
  if (failure) return failed("write", target_, failure.value());
  if (::rename(path().c_str(), target_.c_str()) == 0) return {};  // new, or in the place of an empty folder
  if (errno != EEXIST && errno != ENOTEMPTY) return failed("write", target_, errno);
  // The old folder changes places with ours and goes with this object.
  if (::renameat2(AT_FDCWD, path().c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
    return failed("replace", target_, errno);
  }
  for (const std::string& name : kept_) {
    if (fs::exists(path() / name, failure)) fs::rename(path() / name, target_ / name, failure);
    if (failure) return failed("keep", target_ / name, failure.value());
  }
  return {};
}

Status check_output_file(const fs::path& path, bool replace) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (status.type() != fs::file_type::not_found && !fs::is_regular_file(status)) {
    return Error(ErrorCode::invalid_argument, path.string() + " is there and is no file");
  }
  if (fs::is_regular_file(status) && !replace) {
    return Error(ErrorCode::invalid_argument, path.string() + " is there already; --force replaces it");
  }
  if (::access(folder_of(path).c_str(), W_OK | X_OK) != 0) return failed("write to", folder_of(path), errno);
  return {};
}

}  // namespace cryptotl
