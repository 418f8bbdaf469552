#pragma once

#include <filesystem>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// An error that says which file it is about.
inline Error in_file(const std::filesystem::path& path, ErrorCode code, const std::string& what) {
  return Error(code, path.string() + ": " + what);
}
inline Error in_file(const std::filesystem::path& path, const Error& error) {
  return in_file(path, error.code(), error.what());
}

}  // namespace cryptotl
