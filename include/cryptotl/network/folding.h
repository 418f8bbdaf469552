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

/// A polynomial p of degree d from 2 to 7 in the form that costs least on ciphertexts: monic, depressed and
/// without a constant, so that
///
///   q(v) = v^d + sum of coefficients[i] v^i over i from 1 to d - 2,   p(u) = sign q(v) + beta,
///   v = inner_scale (u - inner_shift).
///
/// With p(u) = a_0 + a_1 u + ... + a_d u^d: k = inner_scale = |a_d|^(1/d), h = inner_shift = -a_{d-1} / (d
/// a_d) (which takes the term of degree d - 1 away), coefficients[i] = sign p^(i)(h) / (i! k^i), beta = p(h).
/// A quadratic is so its completed square v^2, a cubic v^3 + coefficients[1] v.
struct FoldedActivation {
  size_t degree = 0;
  std::vector<double> coefficients;  ///< [degree - 1]; coefficients[0] is 0
  double inner_scale = 1;            ///< k > 0
  double inner_shift = 0;            ///< h
  double sign = 1;                   ///< of a_d: 1 or -1
  double beta = 0;                   ///< p(h)

  /// q(v).
  double at(double v) const;
};

/// A network of linear layers and polynomials as
///
///   y = maps[L](q_L(... maps[1](q_1(maps[0](x))))),  L = activations.size() >= 1,  maps.size() == L + 1,
///
/// every q on each element. The maps hold all that the activations have beside q: with u = W x + b what
/// stands before p = sign q + beta and y = W' p(u) + b' what stands after it,
///
///   before:  weight = k W,      bias = k (b - h)
///   after:   weight = sign W',  bias = b' + beta W' (1, ..., 1).
struct FoldedNetwork {
  std::vector<AffineMap> maps;
  std::vector<FoldedActivation> activations;

  size_t input_width() const { return maps.front().weight.cols; }
  size_t output_width() const { return maps.back().weight.rows; }
};

/// The widest row of a network that is folded: of its input, of what any of its layers makes.
inline constexpr size_t kMaxFoldedWidth = 4096;
/// The highest degree of an activation.
inline constexpr size_t kMaxFoldedDegree = 7;

/// Folds any chain of linear layers (Conv1D, Dense, AveragePool1D, Polynomial of degree 0 or 1; where none
/// stands between two activations, the identity) and at least one Polynomial of degree 2 to kMaxFoldedDegree.
/// Leading coefficients that are zero do not count. invalid_argument names the layer that is anything else,
/// and the limit; so for a leading coefficient so small beside the others that the terms of q would be
/// 2^32 times larger than p. too_large names the input or the layer wider than kMaxFoldedWidth.
///
/// Equal to the unfolded network up to rounding, which grows with |k h|^d.
Result<FoldedNetwork> fold(const Network& network);

/// One more linear layer behind the folded network, merged into its last map. Throws invalid_argument where
/// `last` does not take rows of the network's output width, or its bias has another width than its weight.
FoldedNetwork append(FoldedNetwork network, const Dense& last);

/// The folded network's answer to one row. Throws invalid_argument where the row's width is not the
/// network's.
std::vector<double> forward(const FoldedNetwork& network, std::span<const double> row);

/// The answers [rows][output_width()] to every row. Throws as above.
Matrix forward(const FoldedNetwork& network, const Matrix& rows);

}  // namespace cryptotl
