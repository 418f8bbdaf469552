#include "torch_network.h"

namespace cryptotl {
namespace {

namespace functional = torch::nn::functional;

torch::Tensor parameter(torch::Tensor values) { return values.set_requires_grad(true); }

void copy(const torch::Tensor& from, std::span<double> to) {
  const torch::Tensor values = from.detach().to(torch::kDouble).contiguous();
  std::copy_n(values.data_ptr<double>(), to.size(), to.data());
}

/// Takes the next parameters, in the layers' order.
using NextParameter = std::vector<torch::Tensor>::const_iterator;

torch::Tensor apply(const Conv1D& layer, const torch::Tensor& rows, NextParameter& next) {
  const auto taps = static_cast<int64_t>(layer.kernel.size());
  const int64_t before = (taps - 1) / 2;
  // Windows times kernel: many times faster than a convolution of one channel and one filter.
  const torch::Tensor padded = functional::pad(rows, functional::PadFuncOptions({before, taps - 1 - before}));
  return padded.unfold(1, taps, 1).matmul(*next++);
}

torch::Tensor apply(const Dense&, const torch::Tensor& rows, NextParameter& next) {
  const torch::Tensor& weight = *next++;
  return torch::linear(rows, weight, *next++);
}

torch::Tensor apply(const Polynomial& layer, const torch::Tensor& rows, NextParameter&) {
  torch::Tensor sum = torch::full_like(rows, layer.coefficients.back());
  for (size_t i = layer.coefficients.size() - 1; i-- > 0;) sum = sum * rows + layer.coefficients[i];
  return sum;
}

torch::Tensor apply(const AveragePool1D& layer, const torch::Tensor& rows, NextParameter&) {
  const auto width = static_cast<int64_t>(layer.width);
  torch::Tensor sum = rows.narrow(1, 0, rows.size(1) - width + 1);
  for (int64_t i = 1; i < width; ++i) sum = sum + rows.narrow(1, i, sum.size(1));
  return sum / static_cast<double>(width);
}

torch::Tensor apply(const MaxPool1D& layer, const torch::Tensor& rows, NextParameter&) {
  const auto width = static_cast<int64_t>(layer.width);
  torch::Tensor largest = rows.narrow(1, 0, rows.size(1) - width + 1);
  for (int64_t i = 1; i < width; ++i) largest = torch::maximum(largest, rows.narrow(1, i, largest.size(1)));
  return largest;
}

torch::Tensor apply(const Relu&, const torch::Tensor& rows, NextParameter&) { return torch::relu(rows); }
torch::Tensor apply(const Sigmoid&, const torch::Tensor& rows, NextParameter&) {
  return torch::sigmoid(rows);
}
torch::Tensor apply(const Softmax&, const torch::Tensor& rows, NextParameter&) {
  return torch::softmax(rows, 1);
}

}  // namespace

torch::Tensor to_tensor(std::span<const double> values, torch::ScalarType type) {
  // from_blob takes no const pointer; the copy below is all that is ever done with it.
  return torch::from_blob(const_cast<double*>(values.data()), {static_cast<int64_t>(values.size())},
                          torch::kDouble)
      .to(type, /*non_blocking=*/false, /*copy=*/true);
}

torch::Tensor to_tensor(const Matrix& matrix, torch::ScalarType type) {
  return to_tensor(std::span(matrix.values), type)
      .view({static_cast<int64_t>(matrix.rows), static_cast<int64_t>(matrix.cols)});
}

TorchNetwork::TorchNetwork(const Network& network) : shape_(network) {
  for (const Layer& layer : network.layers) {
    if (const auto* convolution = std::get_if<Conv1D>(&layer)) {
      parameters_.push_back(parameter(to_tensor(convolution->kernel, torch::kFloat)));
    } else if (const auto* dense = std::get_if<Dense>(&layer)) {
      parameters_.push_back(parameter(to_tensor(dense->weight, torch::kFloat)));
      parameters_.push_back(parameter(to_tensor(dense->bias, torch::kFloat)));
    }
  }
}

TorchNetwork::Answer TorchNetwork::forward(torch::Tensor rows, std::span<const double> dropout,
                                           at::Generator& generator, double range) const {
  Answer answer{std::move(rows), {}};
  NextParameter next = parameters_.begin();
  for (size_t i = 0; i < shape_.layers.size(); ++i) {
    const Layer& layer = shape_.layers[i];
    if (std::holds_alternative<Polynomial>(layer)) {
      const torch::Tensor beyond = torch::relu(answer.values.abs() - range);
      const torch::Tensor overrun = beyond.square().sum(1).mean();
      answer.overrun = answer.overrun.defined() ? answer.overrun + overrun : overrun;
    }
    answer.values = std::visit([&](const auto& known) { return apply(known, answer.values, next); }, layer);
    if (!dropout.empty() && dropout[i] > 0) {
      const torch::Tensor kept = torch::empty_like(answer.values).bernoulli_(1 - dropout[i], generator);
      answer.values = answer.values * kept / (1 - dropout[i]);
    }
  }
  return answer;
}

Network TorchNetwork::network() const {
  Network network = shape_;
  NextParameter next = parameters_.begin();
  for (Layer& layer : network.layers) {
    if (auto* convolution = std::get_if<Conv1D>(&layer)) {
      copy(*next++, convolution->kernel);
    } else if (auto* dense = std::get_if<Dense>(&layer)) {
      copy(*next++, dense->weight.values);
      copy(*next++, dense->bias);
    }
  }
  return network;
}

}  // namespace cryptotl
