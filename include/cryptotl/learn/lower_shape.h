#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "cryptotl/network/network.h"

namespace cryptotl {

/// The quadratic nearest to ReLU on [-4, 4], where the paper's cubic is used too: u^2/8 + u/2 + 1/4, off by
/// at most 1/4 (at -4, -2, 0, 2 and 4). On [-R, R] the best quadratic for |u| is u^2/R + R/8, and relu(u) is
/// (u + |u|)/2. Its square is completed at once: (u + 2)^2/8 - 1/4.
inline const Polynomial kReluQuadratic{{0.25, 0.5, 0.125}};

/// The widest row, and the longest kernel, that a lower network is made with.
inline constexpr size_t kMaxLowerWidth = 4096;

/// The lower network's layers: Conv1D(kernel), for each hidden layer a Dense and the activation,
/// AveragePool1D(pool), Dense. What stands here by default is the paper's.
struct LowerShape {
  std::vector<size_t> hidden;  ///< units of each hidden layer; empty: one, as wide as the input
  size_t features = 0;         ///< outputs; 0: as many as the pooling leaves
  size_t kernel = 9;           ///< 0 or 1: no convolution
  size_t pool = 3;             ///< 0 or 1: no pooling
  /// Polynomial of any degree, Relu, Tanh, Sigmoid or Gelu; pretrain() replaces those that are no polynomial.
  Layer activation = kPaperCubic;
};

/// invalid_argument names the first member that does not fit rows of `input_width` numbers, and its limits;
/// the message begins with the member's name.
Status check_shape(const LowerShape& shape, size_t input_width);

/// The network with random weights from `seed`, and the shape's activation as it is. Throws what check_shape
/// refuses.
Network lower_network(size_t input_width, const LowerShape& shape, uint64_t seed);

/// The paper's: lower_network() of the default shape with this activation.
Network paper_lower(size_t input_width, uint64_t seed, const Layer& activation = kPaperCubic);

/// "cubic" (the paper's), "quadratic" (kReluQuadratic), "relu", "tanh", "sigmoid", "gelu".
std::optional<Layer> activation_named(std::string_view name);

}  // namespace cryptotl
