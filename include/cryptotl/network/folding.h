#pragma once

#include <span>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

/// y = weight x + bias, with weight [out][in].
struct AffineMap {
  Matrix weight;
  std::vector<double> bias;
};

/// A network with one cubic activation p(u) = c0 + c1 u + c2 u^2 + c3 u^3 and only linear layers else, as
///
///   v = first(x),  y = second((v^2 + alpha) v)  (the power elementwise).
///
/// The cubic is depressed: with h = -c2 / (3 c3), k = |c3|^(1/3) and v = k (u - h),
/// p(u) = sign (v^3 + alpha v) + beta, where alpha = sign (c1 - c2^2 / (3 c3)) / k and beta = p(h). With u =
/// W1 x + b1 the map before the cubic and y = W2 p(u) + b2 the map after it,
///
///   first:  weight = k W1,     bias = k (b1 - h)
///   second: weight = sign W2,  bias = b2 + beta W2 (1, ..., 1).
struct FoldedNetwork {
  AffineMap first;
  double alpha = 0;
  AffineMap second;
  double inner_scale = 1;  ///< k > 0
  double inner_shift = 0;  ///< h
  double sign = 1;         ///< of c3: 1 or -1
  double beta = 0;         ///< p(h), already in second.bias
};

/// The widest row of a network that is folded; its maps are dense matrices.
inline constexpr size_t kMaxFoldedWidth = 8192;

/// Folds linear layers (Conv1D, Dense, AveragePool1D; none is the identity), one cubic Polynomial, linear
/// layers. invalid_argument names the layer that is anything else: no or a second activation, another degree,
/// c3 = 0, an activation that is no polynomial, a width that does not fit; too_large beyond kMaxFoldedWidth.
///
/// Equal to the unfolded network up to rounding, which grows with |k h|^3 where c3 is small beside c2.
Result<FoldedNetwork> fold(const Network& network);

/// The folded network's answer to one row. Throws invalid_argument where the row's width is not
/// first.weight.cols.
std::vector<double> forward(const FoldedNetwork& network, std::span<const double> row);

/// The answers [rows][second.weight.rows] to every row. Throws as above.
Matrix forward(const FoldedNetwork& network, const Matrix& rows);

}  // namespace cryptotl
