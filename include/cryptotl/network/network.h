#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// One filter slid over the row with zeros beyond its ends ("same" padding), no bias and no flip
/// (cross-correlation): y[i] = sum over t of kernel[t] x[i + t - (kernel.size() - 1) / 2].
struct Conv1D {
  std::vector<double> kernel;
};

/// y = weight x + bias, with weight [out][in].
struct Dense {
  Matrix weight;
  std::vector<double> bias;
};

/// c0 + c1 u + c2 u^2 + ... on every element; at least c0 and c1 are there.
struct Polynomial {
  std::vector<double> coefficients;
};

/// The paper's polynomial in place of ReLU (arXiv 2205.11935).
inline const Polynomial kPaperCubic{{0.49383, 0.59259, 0.092593, -0.0061728}};

/// Mean of `width` neighbours, stride 1, no padding: width - 1 fewer elements.
struct AveragePool1D {
  size_t width;
};

/// Largest of `width` neighbours, stride 1, no padding: width - 1 fewer elements.
struct MaxPool1D {
  size_t width;
};

struct Relu {};
struct Sigmoid {};
/// exp(x[i]) over their sum along the row.
struct Softmax {};
struct Tanh {};
/// u Phi(u), Phi being the standard normal distribution function: the exact form (with erf), not the one with
/// tanh.
struct Gelu {};

using Layer =
    std::variant<Conv1D, Dense, Polynomial, AveragePool1D, MaxPool1D, Relu, Sigmoid, Softmax, Tanh, Gelu>;

/// The layer's name as it stands in messages, such as "AveragePool1D".
std::string_view layer_name(const Layer& layer);

/// A plain feed-forward network on rows of `input_width` numbers, in double precision. A value type: const
/// access is safe from many threads.
struct Network {
  size_t input_width = 0;
  std::vector<Layer> layers;
};

/// The widest row that a network may have.
inline constexpr size_t kMaxNetworkWidth = size_t{1} << 20;

/// The width of the network's answer; also the check that it is well-formed: every layer has finite
/// parameters and fits the width before it. invalid_argument names the first layer that does not, counted
/// from 1.
Result<size_t> output_width(const Network& network);

/// The network's answer to one row. Throws invalid_argument where output_width refuses the network or where
/// the row has another width than its input. A row's answer is the same bits alone or among others.
std::vector<double> forward(const Network& network, std::span<const double> row);

/// The answers [rows][output width] to every row of `rows`. Throws as above.
Matrix forward(const Network& network, const Matrix& rows);

}  // namespace cryptotl
