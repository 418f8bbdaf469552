#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// A new folder of mode 0700 that goes, with all it holds, when this object does.
class TemporaryFolder {
 public:
  /// In `parent`, with a name that begins with `prefix`.
  static Result<TemporaryFolder> make(const std::filesystem::path& parent, const std::string& prefix);

  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path);
  void remove() noexcept;
  std::filesystem::path path_;
};

/// Removes every TemporaryFolder that there is at the moment: for a program that a signal ends. Thread-safe.
void remove_temporary_folders() noexcept;

/// A folder of several files that appears whole or not at all: they are written to path(), and commit() puts
/// it in the place of `target`. Without commit() nothing is left.
class StagedFolder {
 public:
  /// invalid_argument where `target` is there already and `replace` is not set, where it cannot be made, or
  /// where it holds anything else than `files` and `kept`, which nobody meant to replace. An empty folder is
  /// always replaced; what `kept` names moves from the old folder to the new one.
  static Result<StagedFolder> begin(const std::filesystem::path& target, std::span<const char* const> files,
                                    bool replace, std::span<const char* const> kept = {});

  const std::filesystem::path& path() const { return temporary_.path(); }
  /// `mode` is that of the finished folder.
  Status commit(std::filesystem::perms mode);

 private:
  StagedFolder(std::filesystem::path target, std::vector<std::string> kept, TemporaryFolder temporary);
  std::filesystem::path target_;
  std::vector<std::string> kept_;
  TemporaryFolder temporary_;
};

/// invalid_argument where a file could not be written to `path`: it is there already and `replace` is not
/// set, it is no file, or its folder is missing or closed to us. Asked before long work, so that it is not
/// done in vain.
Status check_output_file(const std::filesystem::path& path, bool replace);

}  // namespace cryptotl
