#pragma once

#include <filesystem>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/error.h"

namespace cryptotl {

/// "CTFC", SQLite's application id of our files, and the version of what is in them.
inline constexpr uint32_t kCacheApplication = 0x43544643;
inline constexpr int kCacheVersion = 1;
/// Of SQLite's header, the application id included.
inline constexpr size_t kCacheHeaderBytes = 100;

/// The same file by a path whose folder has no symbolic link; not_found where that folder is missing.
Result<std::filesystem::path> resolve_cache_path(const std::filesystem::path& path);

/// Makes an empty file of mode 0600 where there is none.
Status make_cache_file(const std::filesystem::path& path);

/// Whether it is a file of the calling user. `or_wider` accepts one that others may read, too.
Status check_cache_owner(const std::filesystem::path& path, bool or_wider = false);

/// Whether these first bytes of a file are those of a cache of ours.
bool is_cache_header(ByteView bytes);

}  // namespace cryptotl
