#pragma once

#include <filesystem>
#include <optional>

#include "cryptotl/base/bytes.h"
#include "cryptotl/data/scaler.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

/// The largest file that is read.
inline constexpr size_t kMaxNpzBytes = size_t{1} << 30;

/// A network of the paper's shape with what belongs to it.
struct NpzWeights {
  Network lower;                       ///< [Conv1D,] Dense, Polynomial, [AveragePool1D,] Dense
  std::optional<Dense> output_layer;   ///< [1 or classes][features], before its sigmoid or softmax
  std::optional<MinMaxScaler> scaler;  ///< of the inputs
};

/// Reads weights from a NumPy archive (numpy.savez or savez_compressed) by the names of its arrays, each of
/// float16, float32 or float64 in C order:
///
///   conv [taps]                    left out for no convolution
///   w1 [hidden, inputs], b1 [hidden]
///   activation [degree + 1]        the polynomial's coefficients, c0 first; left out for kPaperCubic
///   w2 [features, pooled], b2 [features]
///   out_w [features] or [classes, features], out_b: one number or [classes]; both or none
///   mn [inputs], mx [inputs]       the scaler's minimum and maximum; both or none
///
/// The mean of hidden - pooled + 1 neighbours stands between the activation and w2.
///
/// Errors are one line with the file and the array: malformed (no archive, a damaged or encrypted one, an
/// array of other numbers, one that is missing, not known or named twice, sizes that do not fit together),
/// too_large (beyond kMaxNpzBytes, or an array of more numbers than a network of width 4096 has). Sizes are
/// checked before memory is taken for them, so that no archive makes more than a few hundred megabytes of
/// itself; never throws on any bytes. `file` is for messages.
Result<NpzWeights> read_npz(ByteView bytes, const std::filesystem::path& file);

}  // namespace cryptotl
