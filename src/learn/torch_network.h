#pragma once

#include <torch/torch.h>

#include "cryptotl/network/network.h"

namespace cryptotl {

/// A copy of the matrix of the given floating-point type.
torch::Tensor to_tensor(const Matrix& matrix, torch::ScalarType type);
torch::Tensor to_tensor(std::span<const double> values, torch::ScalarType type);

/// A Network as single-precision tensors that LibTorch can differentiate.
class TorchNetwork {
 public:
  explicit TorchNetwork(const Network& network);

  struct Answer {
    torch::Tensor values;   ///< [rows][outputs]
    torch::Tensor overrun;  ///< mean over the rows of the squared distance of polynomials' inputs to +-range;
                            ///< may be empty
  };
  /// `dropout` as in Trainee, drawn from `generator`; empty outside training.
  Answer forward(torch::Tensor rows, std::span<const double> dropout, at::Generator& generator,
                 double range) const;

  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  /// The network with the present weights.
  Network network() const;

 private:
  Network shape_;
  std::vector<torch::Tensor>
      parameters_;  ///< in the layers' order: a Conv1D's kernel; a Dense's weight, bias
};

}  // namespace cryptotl
