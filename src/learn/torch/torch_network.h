#pragma once

#include <torch/torch.h>

#include "learn/trainer.h"

namespace cryptotl {

/// A copy of the matrix of the given floating-point type.
torch::Tensor to_tensor(const Matrix& matrix, torch::ScalarType type);
torch::Tensor to_tensor(std::span<const double> values, torch::ScalarType type);

/// [rows][width][taps]: what each tap of a Conv1D meets, zeros beyond the row's ends.
torch::Tensor windows(const torch::Tensor& rows, int64_t taps);

/// A trainee's network as tensors that LibTorch can differentiate.
class TorchNetwork {
 public:
  explicit TorchNetwork(const Trainee& trainee);

  torch::ScalarType type() const { return type_; }  ///< of rows, weights and answers

  struct Answer {
    torch::Tensor values;   ///< [rows][outputs]
    torch::Tensor overrun;  ///< mean over the rows of the squared distance of layers' inputs to their ranges;
                            ///< may be empty
  };
  /// What a layer with weights made of its rows: both [rows][width].
  struct LinearPass {
    torch::Tensor input, output;
    int64_t taps = 0;  ///< of a Conv1D's kernel, which slides over the input; 0 for a Dense
  };
  /// `dropout` as in Trainee, drawn from `generator`; empty outside training. `passes`, where it is wanted,
  /// gets an entry a layer of weights(), in their order.
  Answer forward(torch::Tensor rows, std::span<const double> dropout, at::Generator& generator,
                 std::vector<LinearPass>* passes = nullptr) const;

  /// What is trained: weights() and polynomials(), in the layers' order.
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  const std::vector<torch::Tensor>& weights() const { return weights_; }
  /// Coefficients in Chebyshev's form, one tensor a layer.
  const std::vector<torch::Tensor>& polynomials() const { return coefficients_; }

  /// Sum of the squared differences of trained coefficients to their start.
  torch::Tensor distance_from_start() const;
  /// keep_near() on every trained polynomial.
  void keep_polynomials_near_start() const;

  /// The network with the present weights.
  Network network() const;

 private:
  /// The layer's tensors: a Conv1D's kernel; a Dense's weight, bias; a trained Polynomial's coefficients.
  using LayerTensors = std::vector<torch::Tensor>;
  LayerTensors tensors_of(const Layer& layer, size_t index) const;
  torch::Tensor apply_trained(size_t index, const torch::Tensor& rows) const;

  Network shape_;
  std::vector<std::optional<PolynomialRange>> ranges_;  ///< [layers]
  bool train_polynomials_;
  torch::ScalarType type_;
  std::vector<LayerTensors> tensors_;  ///< [layers]
  std::vector<torch::Tensor> parameters_, weights_, coefficients_;
  std::vector<std::vector<double>> starts_;  ///< of coefficients_
};

}  // namespace cryptotl
