#pragma once

#include <onnx/onnx_pb.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {

// The pieces of the ONNX reader throw Error; read_onnx, the only way in, turns that into its Result.

/// A constant of a graph. Numbers of every type are kept as doubles; integers beyond 2^53 are refused on
/// reading.
struct OnnxConstant {
  std::vector<size_t> dims;  ///< all positive; none for a scalar
  std::vector<double> values;
};
using OnnxConstantPtr = std::shared_ptr<const OnnxConstant>;

/// Counts down the numbers that may still be made.
class OnnxBudget {
 public:
  explicit OnnxBudget(size_t numbers) : left_(numbers) {}
  /// Throws too_large where fewer are left.
  void spend(size_t numbers);

 private:
  size_t left_;
};

/// The name, cut and without control characters, for a message.
std::string printable(std::string_view name);

/// A tensor of type FLOAT, DOUBLE, INT32, INT64 or BOOL with its data inside the file. malformed where the
/// data is not as long as the dims say; nothing is allocated before that is known.
OnnxConstantPtr read_constant(const onnx::TensorProto& tensor, OnnxBudget& budget);

/// The constant of two dims, transposed; malformed where it has others.
OnnxConstantPtr transposed(const OnnxConstant& constant, OnnxBudget& budget);

}  // namespace cryptotl
