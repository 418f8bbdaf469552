#pragma once

#include <zip.h>

#include <map>
#include <string>
#include <vector>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/error.h"

namespace cryptotl::samples {

/// An NPY file of these numbers as float64, with a header that may say something else.
inline Bytes npy_of(const std::string& shape, const std::vector<double>& values,
                    const std::string& type = "<f8", const std::string& fortran = "False") {
  const std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
  ByteWriter writer;
  writer.text("\x93NUMPY\x01");
  writer.number<uint8_t>(0);
  writer.number(static_cast<uint16_t>(header.size()));
  writer.text(header);
  for (const double value : values) writer.number(value);
  return writer.take();
}
inline Bytes npy_of(const std::vector<double>& values) {
  return npy_of("(" + std::to_string(values.size()) + ",)", values);
}

struct ZipMember {
  std::string name;
  Bytes bytes;
};

/// A ZIP archive of these files, deflated (or stored), or encrypted where there is a password.
inline Bytes zip_of(const std::vector<ZipMember>& members, bool deflated = true,
                    const std::string& password = "") {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
  CRYPTOTL_ASSERT(target != nullptr);
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, &error);
  CRYPTOTL_ASSERT(archive != nullptr);
  for (const ZipMember& member : members) {
    zip_source_t* source = zip_source_buffer(archive, member.bytes.data(), member.bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, member.name.c_str(), source, 0);
    CRYPTOTL_ASSERT(index >= 0);
    const auto at = static_cast<zip_uint64_t>(index);
    CRYPTOTL_ASSERT(zip_set_file_compression(archive, at, deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 9) == 0);
    if (!password.empty()) {
      CRYPTOTL_ASSERT(zip_file_set_encryption(archive, at, ZIP_EM_AES_256, password.c_str()) == 0);
    }
  }
  CRYPTOTL_ASSERT(zip_close(archive) == 0);
  zip_stat_t stat;
  CRYPTOTL_ASSERT(zip_source_stat(target, &stat) == 0 && zip_source_open(target) == 0);
  Bytes out(stat.size);
  CRYPTOTL_ASSERT(zip_source_read(target, out.data(), out.size()) == static_cast<zip_int64_t>(out.size()));
  zip_source_close(target);
  zip_source_free(target);
  return out;
}

}  // namespace cryptotl::samples
