#pragma once

#include <filesystem>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// The whole file. not_found where there is none, too_large where it holds more than `limit` bytes (nothing
/// is allocated then).
Result<Bytes> read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 32);

enum class FileMode { everyone_reads, owner_only };

/// Writes the whole file or nothing: a temporary file beside it, fsync, rename. `owner_only` gives mode 0600
/// from the first byte on.
Status write_file(const std::filesystem::path& path, ByteView bytes,
                  FileMode mode = FileMode::everyone_reads);

}  // namespace cryptotl
