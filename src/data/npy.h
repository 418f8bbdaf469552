#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// Whether the bytes start as an NPY file does.
bool is_npy(ByteView bytes);

/// An NPY file (numpy.lib.format, versions 1.0 to 3.0) of little-endian float16, float32 or float64, two
/// dimensions, C order, all values finite. malformed for anything else, too_large beyond limits.h; `file` is
/// for messages.
Result<Matrix> parse_npy_matrix(ByteView bytes, const std::filesystem::path& file);

/// What the header of an NPY file says.
struct NpyHeader {
  std::string type;  ///< such as "<f4"
  std::vector<size_t> shape;
  size_t bytes = 0;  ///< of the header; the data follows
};
/// Reads the header alone, from the file's first kMaxNpyHeaderBytes or fewer; malformed for another type or
/// order than parse_npy_matrix reads.
Result<NpyHeader> parse_npy_header(ByteView first_bytes, const std::filesystem::path& file);
/// Bytes of one number of a header's type.
size_t npy_item_bytes(const NpyHeader& header);

/// As parse_npy_matrix, of any shape of at most two dimensions: no dimension is one number. A vector of n is
/// one row of n.
Result<Matrix> parse_npy_array(ByteView bytes, const std::filesystem::path& file);

/// An NPY file of one dimension of integers (8 to 64 bits, signed or not, little-endian) or booleans, each as
/// its decimal digits.
Result<std::vector<std::string>> parse_npy_labels(ByteView bytes, const std::filesystem::path& file);

/// An NPY 1.0 file of float64, C order.
Bytes format_npy(const Matrix& matrix);

}  // namespace cryptotl
