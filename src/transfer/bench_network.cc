#include "transfer/bench_network.h"

#include <algorithm>

#include "cryptotl/base/file.h"
#include "cryptotl/data/limits.h"
#include "cryptotl/plan/packing.h"
#include "data/npy.h"

namespace cryptotl {
namespace {

namespace fs = std::filesystem;

std::string shape_of(const Matrix& matrix) {
  return std::to_string(matrix.rows) + " x " + std::to_string(matrix.cols);
}

/// A vector is one row.
Matrix read_array(const fs::path& file) {
  const Bytes bytes = read_file(file, kMaxTableBytes).value();
  if (!is_npy(bytes)) throw Error(ErrorCode::malformed, file.string() + " is no NPY file");
  return parse_npy_array(bytes, file).value();
}

Matrix read_rows(const fs::path& file, size_t width) {
  Matrix out = read_array(file);
  if (out.cols == width && out.rows > 0) return out;
  throw Error(ErrorCode::malformed,
              file.string() + ": " + shape_of(out) + "; rows of " + std::to_string(width) + " are right");
}

Matrix read_weight(const fs::path& file) {
  Matrix out = read_array(file);
  if (out.rows == 0 || out.cols == 0)
    throw Error(ErrorCode::malformed, file.string() + ": " + shape_of(out) + "; outputs x inputs is right");
  if (std::max(out.rows, out.cols) <= kMaxEncryptedWidth) return out;
  throw Error(ErrorCode::too_large, file.string() + ": " + shape_of(out) + "; at most " +
                                        std::to_string(kMaxEncryptedWidth) + " can be encrypted");
}

/// The layer with these files; the second takes what the first gives.
Dense read_layer(const fs::path& folder, const std::string& number) {
  Dense out{read_weight(folder / ("w" + number + ".npy")), {}};
  const fs::path file = folder / ("b" + number + ".npy");
  const Matrix bias = read_array(file);
  if (bias.rows != 1 || bias.cols != out.weight.rows) {
    throw Error(ErrorCode::malformed, file.string() + ": " + shape_of(bias) + "; " +
                                          std::to_string(out.weight.rows) + " numbers are right");
  }
  out.bias = bias.values;
  return out;
}

}  // namespace

Result<BenchNetwork> read_bench_network(const fs::path& folder) {
  try {
    BenchNetwork out{read_layer(folder, "1"), read_layer(folder, "2"), {}, {}};
    if (out.second.weight.cols != out.first.weight.rows) {
      throw Error(ErrorCode::malformed, (folder / "w2.npy").string() + ": " + shape_of(out.second.weight) +
                                            "; w1.npy gives " + std::to_string(out.first.weight.rows));
    }
    out.inputs = read_rows(folder / "inputs.npy", out.first.weight.cols);
    out.calibration = read_rows(folder / "calibration.npy", out.first.weight.cols);
    return out;
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
