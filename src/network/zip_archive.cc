#include "zip_archive.h"

#include <algorithm>

#include "onnx_constant.h"

namespace cryptotl {
namespace {

constexpr zip_int64_t kMaxEntries = 64;  // a network has a dozen arrays

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = printable(zip_error_strerror(&error));
  zip_error_fini(&error);
  return text;
}

}  // namespace

Error ZipArchive::malformed(const std::string& what) const {
  return Error(ErrorCode::malformed, file_.string() + ": " + what);
}

ZipArchive::ZipArchive(ByteView bytes, const std::filesystem::path& file) : file_(file) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source != nullptr) {
    archive_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    if (archive_ == nullptr) zip_source_free(source);
  }
  const int code = zip_error_code_zip(&error);
  zip_error_fini(&error);
  if (archive_ == nullptr) {
    if (code == ZIP_ER_MEMORY) {
      throw Error(ErrorCode::resource_exhausted, file_.string() + ": no memory left to read it");
    }
    throw malformed("not an NPZ file, or a damaged one (" + text_of(code) + ")");
  }
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  if (count > kMaxEntries) {
    throw malformed("an archive of " + std::to_string(count) + " files, where at most " +
                    std::to_string(kMaxEntries) + " are read");
  }
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &stat) != 0 ||
        (stat.valid & kNeeded) != kNeeded) {
      throw malformed("its list of files is damaged");
    }
    const std::string name = stat.name;
    if (stat.encryption_method != ZIP_EM_NONE) throw malformed(printable(name) + " is encrypted");
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
      throw malformed(printable(name) + " is packed by method " + std::to_string(stat.comp_method) +
                      "; stored and deflated files are read");
    }
    entries_.push_back({static_cast<size_t>(i), name, stat.size});
  }
}

ZipArchive::File ZipArchive::open(const Entry& entry) const {
  File out(zip_fopen_index(archive_.get(), entry.index, 0));
  if (out != nullptr) return out;
  throw malformed(printable(entry.name) + " cannot be unpacked (" +
                  text_of(zip_error_code_zip(zip_get_error(archive_.get()))) + ")");
}

size_t ZipArchive::read(const Entry& entry, zip_file_t& from, std::span<uint8_t> to) const {
  size_t done = 0;
  while (done < to.size()) {
    const zip_int64_t got = zip_fread(&from, to.data() + done, to.size() - done);
    if (got < 0) {
      throw malformed(printable(entry.name) + " is damaged (" +
                      text_of(zip_error_code_zip(zip_file_get_error(&from))) + ")");
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

Bytes ZipArchive::read_start(const Entry& entry, size_t limit) const {
  const File from = open(entry);
  Bytes out(std::min(limit, entry.bytes));
  out.resize(read(entry, *from, out));
  return out;
}

Bytes ZipArchive::read(const Entry& entry) const {
  const File from = open(entry);
  Bytes out(entry.bytes);
  uint8_t beyond;  // reading past the end is what makes libzip compare the checksum
  if (read(entry, *from, out) != out.size() || read(entry, *from, {&beyond, 1}) != 0) {
    throw malformed(printable(entry.name) + " has another size than the archive says");
  }
  return out;
}

}  // namespace cryptotl
