#include "learn/torch/example_gradients.h"

#include "learn/trainer.h"

namespace cryptotl {
namespace {

/// Sum over the rows; each row's part depends on that row alone.
torch::Tensor summed_loss(const TorchNetwork::Answer& answer, const torch::Tensor& labels) {
  const torch::Tensor& logits = answer.values;
  torch::Tensor loss =
      logits.size(1) == 1
          ? torch::binary_cross_entropy_with_logits(logits.squeeze(1), labels, {}, {}, at::Reduction::Sum)
          : torch::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
  if (answer.overrun.defined())
    loss = loss + kOverrunPenalty * static_cast<double>(logits.size(0)) * answer.overrun;
  return loss;
}

}  // namespace

ExampleGradients::ExampleGradients(const TorchNetwork& network, const torch::Tensor& rows,
                                   const torch::Tensor& labels) {
  at::Generator unused = at::Generator();
  std::vector<TorchNetwork::LinearPass> passes;
  const TorchNetwork::Answer answer = network.forward(rows, {}, unused, &passes);
  std::vector<torch::Tensor> outputs;
  for (const auto& pass : passes) outputs.push_back(pass.output);
  const auto slopes = torch::autograd::grad({summed_loss(answer, labels)}, outputs);
  const torch::NoGradGuard no_gradients;
  for (size_t i = 0; i < passes.size(); ++i) {
    const torch::Tensor input = passes[i].input.detach();
    if (passes[i].taps == 0) {
      layers_.push_back({input, slopes[i], {}});
      continue;
    }
    // The kernel, and so this, has few entries; the slopes meet them in the windows that the taps slid over.
    layers_.push_back({{}, {}, slopes[i].unsqueeze(1).bmm(windows(input, passes[i].taps)).squeeze(1)});
  }
}

torch::Tensor ExampleGradients::norms() const {
  torch::Tensor squares;
  for (const LayerGradients& layer : layers_) {
    // The bias meets an input of 1.
    const torch::Tensor part = layer.kernel.defined()
                                   ? layer.kernel.square().sum(1)
                                   : (layer.input.square().sum(1) + 1) * layer.slope.square().sum(1);
    squares = squares.defined() ? squares + part : part;
  }
  return squares.sqrt();
}

std::vector<torch::Tensor> ExampleGradients::weighted_sum(const torch::Tensor& row_weights) const {
  std::vector<torch::Tensor> out;
  for (const LayerGradients& layer : layers_) {
    if (layer.kernel.defined()) {
      out.push_back(layer.kernel.t().mv(row_weights));
      continue;
    }
    const torch::Tensor weighted = layer.slope * row_weights.unsqueeze(1);
    out.push_back(weighted.t().mm(layer.input));
    out.push_back(weighted.sum(0));
  }
  return out;
}

}  // namespace cryptotl
