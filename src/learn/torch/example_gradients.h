#pragma once

#include <torch/torch.h>

#include <vector>

#include "torch_network.h"

namespace cryptotl {

/// The gradients of the training loss for each row by itself, without ever writing them all down: a Dense
/// layer's gradient for one row is the outer product of what comes in and the loss's slope at what goes out,
/// so its length follows from the lengths of both, and a weighted sum over rows is one product of matrices
/// ("ghost clipping" with "book-keeping": Li, Tramer, Liang and Hashimoto, arXiv 2110.05679; Bu, Wang, Zha
/// and Karypis, arXiv 2210.00038). One backward pass, to the layers' outputs, serves for both.
class ExampleGradients {
 public:
  /// rows [rows][inputs], of the network's type; labels [rows]: 0 or 1 of that type where the network has
  /// one output, else whole numbers. The loss is cross-entropy and, as in train(), what draws the inputs of
  /// activations back into their ranges. No dropout.
  ExampleGradients(const TorchNetwork& network, const torch::Tensor& rows, const torch::Tensor& labels);

  /// [rows] Euclidean lengths over all weights of the network.
  torch::Tensor norms() const;
  /// [weights] sum over rows of row_weights [rows] times their gradients, in the order of
  /// TorchNetwork::weights().
  std::vector<torch::Tensor> weighted_sum(const torch::Tensor& row_weights) const;

 private:
  struct LayerGradients {
    torch::Tensor input;   ///< Dense: [rows][inputs]
    torch::Tensor slope;   ///< Dense: [rows][outputs]
    torch::Tensor kernel;  ///< Conv1D: [rows][taps], the gradients themselves
  };
  std::vector<LayerGradients> layers_;
};

}  // namespace cryptotl
