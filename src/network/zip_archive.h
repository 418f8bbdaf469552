#pragma once

#include <zip.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// The files of a ZIP archive in memory, read by libzip. Every function throws Error: malformed for what is
/// no archive, or a damaged, encrypted or otherwise packed one.
class ZipArchive {
 public:
  /// Keeps the view: the bytes must outlive the archive. `file` is for messages.
  ZipArchive(ByteView bytes, const std::filesystem::path& file);

  struct Entry {
    size_t index;
    std::string name;
    size_t bytes;  ///< unpacked, as the archive says
  };
  const std::vector<Entry>& entries() const { return entries_; }

  /// The first bytes of an entry, at most `limit`.
  Bytes read_start(const Entry& entry, size_t limit) const;
  /// All of it; allocates entry.bytes first. Its checksum is checked.
  Bytes read(const Entry& entry) const;

 private:
  struct Closer {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };
  using File = std::unique_ptr<zip_file_t, Closer>;

  Error malformed(const std::string& what) const;
  File open(const Entry& entry) const;
  size_t read(const Entry& entry, zip_file_t& from, std::span<uint8_t> to) const;

  std::filesystem::path file_;
  std::unique_ptr<zip_t, Closer> archive_;
  std::vector<Entry> entries_;
};

}  // namespace cryptotl
