#pragma once

#include <map>
#include <string>

#include "cryptotl/base/bytes.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

/// The largest file that is read or written.
inline constexpr size_t kMaxOnnxBytes = size_t{1} << 30;

/// What an ONNX file holds for us.
struct OnnxFile {
  Network network;
  std::map<std::string, std::string> metadata;  ///< the file's metadata_props
};

/// Reads a feed-forward chain of the layers of network.h: files of write_onnx, and the forms in which PyTorch
/// and Keras export those layers: Gemm, MatMul and Add, arithmetic with rows of constants and
/// BatchNormalization (parts of a Dense), Conv with one channel, AveragePool, MaxPool, Relu, Sigmoid, Tanh,
/// Softmax, Gelu (the operator, or its form with Erf), polynomials of Add, Sub, Mul, Div, Neg and Pow;
/// Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Identity, Dropout and Cast around them (opset 7 to 21,
/// weights as float or double). Everything is computed in double precision, also where the file casts to
/// float.
///
/// Errors are one line and name the node and its operator where there is one: malformed (not ONNX, truncated,
/// data that contradicts the declared sizes, another operator, a branch, a cycle), unsupported_version
/// (opset), too_large (beyond kMaxOnnxBytes, or data shared so often that the network would be far larger
/// than the file). Never throws on any bytes; allocates no more than a small multiple of their size.
Result<OnnxFile> read_onnx(ByteView bytes);

/// The network as an ONNX model (IR 7, opset 13) of standard operators on a double input `x` [N, input width]
/// and output `y` [N, output width]. All parameters are stored as doubles, so read_onnx gives back the same
/// numbers to the last bit; Conv, AveragePool and Erf run between casts to float, since ONNX Runtime has no
/// double kernel for them. The same network and metadata give the same bytes. invalid_argument where
/// output_width refuses the network.
Result<Bytes> write_onnx(const Network& network, const std::map<std::string, std::string>& metadata = {});

}  // namespace cryptotl
