#pragma once

#include <filesystem>

#include "cryptotl/network/network.h"

namespace cryptotl {

/// Two layers and the rows to measure them with.
struct BenchNetwork {
  Dense first, second;
  Matrix inputs;       ///< [rows][inputs]
  Matrix calibration;  ///< the same, of other rows
};

/// Reads w1.npy [hidden][inputs], b1.npy [hidden], w2.npy [outputs][hidden], b2.npy [outputs], inputs.npy and
/// calibration.npy [rows][inputs]: floating-point NPY in C order. Errors are one line with the file:
/// not_found where one is missing, malformed for another content or shape, too_large for more than
/// kMaxEncryptedWidth of anything but rows.
Result<BenchNetwork> read_bench_network(const std::filesystem::path& folder);

}  // namespace cryptotl
