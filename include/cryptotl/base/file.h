#pragma once

#include <filesystem>
#include <span>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// An error that says which file it is about: "PATH: what".
inline Error in_file(const std::filesystem::path& path, ErrorCode code, const std::string& what) {
  return Error(code, path.string() + ": " + what);
}
inline Error in_file(const std::filesystem::path& path, const Error& error) {
  return in_file(path, error.code(), error.what());
}

/// A file descriptor that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  int number() const { return number_; }
  bool open() const { return number_ >= 0; }

 private:
  int number_;
};

/// A file to be read in pieces: the one that its name stood for when it was opened.
class FileReader {
 public:
  /// not_found where there is none, invalid_argument for what is no regular file.
  static Result<FileReader> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// In bytes, when it was opened.
  size_t size() const { return size_; }
  /// Fills `out` from `offset` on and returns how many bytes there were: fewer where the file ends before.
  Result<size_t> read(size_t offset, std::span<uint8_t> out) const;

 private:
  FileReader(std::filesystem::path path, FileDescriptor descriptor, size_t size)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), size_(size) {}
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  size_t size_;
};

/// The whole file. As FileReader::open; too_large where it holds more than `limit` bytes (nothing is
/// allocated then).
Result<Bytes> read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 32);

enum class FileMode { everyone_reads, owner_only };

/// A file that is written in pieces and appears whole or not at all: a temporary file beside it, fsync,
/// rename. Without commit() nothing is left.
class FileWriter {
 public:
  /// `owner_only` gives mode 0600 from the first byte on.
  static Result<FileWriter> begin(const std::filesystem::path& path,
                                  FileMode mode = FileMode::everyone_reads);
  ~FileWriter();
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&& other) = delete;

  Status append(ByteView bytes);
  /// Writes over bytes that have been appended.
  Status replace(size_t offset, ByteView bytes);
  /// Puts the file in its place, whatever was there.
  Status commit();

 private:
  FileWriter(std::filesystem::path path, std::string temporary, FileDescriptor descriptor);
  std::filesystem::path path_;
  std::string temporary_;  ///< empty once there is none
  FileDescriptor descriptor_;
};

/// Writes the whole file or nothing, as FileWriter does.
Status write_file(const std::filesystem::path& path, ByteView bytes,
                  FileMode mode = FileMode::everyone_reads);

}  // namespace cryptotl
