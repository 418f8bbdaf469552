#include "learn/torch/torch_network.h"

namespace cryptotl {
namespace {

namespace functional = torch::nn::functional;

torch::Tensor parameter(torch::Tensor values) { return values.set_requires_grad(true); }

void copy(const torch::Tensor& from, std::span<double> to) {
  const torch::Tensor values = from.detach().to(torch::kDouble).contiguous();
  std::copy_n(values.data_ptr<double>(), to.size(), to.data());
}

using Tensors = std::vector<torch::Tensor>;

torch::Tensor apply(const Conv1D& layer, const torch::Tensor& rows, const Tensors& own) {
  // Windows times kernel: many times faster than a convolution of one channel and one filter.
  return windows(rows, static_cast<int64_t>(layer.kernel.size())).matmul(own[0]);
}

torch::Tensor apply(const Dense&, const torch::Tensor& rows, const Tensors& own) {
  return torch::linear(rows, own[0], own[1]);
}

torch::Tensor apply(const Polynomial& layer, const torch::Tensor& rows, const Tensors&) {
  torch::Tensor sum = torch::full_like(rows, layer.coefficients.back());
  for (size_t i = layer.coefficients.size() - 1; i-- > 0;) sum = sum * rows + layer.coefficients[i];
  return sum;
}

torch::Tensor apply(const AveragePool1D& layer, const torch::Tensor& rows, const Tensors&) {
  const auto width = static_cast<int64_t>(layer.width);
  // A few additions are faster than a pooling of one channel; many are not.
  if (layer.width > 16) return torch::avg_pool1d(rows.unsqueeze(1), width, 1).squeeze(1);
  torch::Tensor sum = rows.narrow(1, 0, rows.size(1) - width + 1);
  for (int64_t i = 1; i < width; ++i) sum = sum + rows.narrow(1, i, sum.size(1));
  return sum / static_cast<double>(width);
}

torch::Tensor apply(const MaxPool1D& layer, const torch::Tensor& rows, const Tensors&) {
  const auto width = static_cast<int64_t>(layer.width);
  torch::Tensor largest = rows.narrow(1, 0, rows.size(1) - width + 1);
  for (int64_t i = 1; i < width; ++i) largest = torch::maximum(largest, rows.narrow(1, i, largest.size(1)));
  return largest;
}

torch::Tensor apply(const Relu&, const torch::Tensor& rows, const Tensors&) { return torch::relu(rows); }
torch::Tensor apply(const Sigmoid&, const torch::Tensor& rows, const Tensors&) {
  return torch::sigmoid(rows);
}
torch::Tensor apply(const Tanh&, const torch::Tensor& rows, const Tensors&) { return torch::tanh(rows); }
torch::Tensor apply(const Gelu&, const torch::Tensor& rows, const Tensors&) { return torch::gelu(rows); }
torch::Tensor apply(const Softmax&, const torch::Tensor& rows, const Tensors&) {
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

torch::Tensor windows(const torch::Tensor& rows, int64_t taps) {
  const int64_t before = (taps - 1) / 2;
  return functional::pad(rows, functional::PadFuncOptions({before, taps - 1 - before})).unfold(1, taps, 1);
}

TorchNetwork::TorchNetwork(const Trainee& trainee)
    : shape_(trainee.network),
      ranges_(trainee.ranges),
      train_polynomials_(trainee.train_polynomials),
      type_(trainee.double_precision ? torch::kDouble : torch::kFloat) {
  const std::vector<Layer>& layers = shape_.layers;
  ranges_.resize(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool is_polynomial = std::holds_alternative<Polynomial>(layers[i]);
    if (trainee.ranges.empty() && is_polynomial) ranges_[i] = kPaperRange;
    tensors_.push_back(tensors_of(layers[i], i));
    if (i < trainee.frozen) continue;
    for (const torch::Tensor& tensor : tensors_.back()) {
      parameters_.push_back(parameter(tensor));
      (is_polynomial ? coefficients_ : weights_).push_back(tensor);
    }
    if (is_polynomial && !tensors_.back().empty())
      starts_.push_back(chebyshev_form(std::get<Polynomial>(layers[i]), *ranges_[i]));
  }
}

TorchNetwork::LayerTensors TorchNetwork::tensors_of(const Layer& layer, size_t index) const {
  if (const auto* convolution = std::get_if<Conv1D>(&layer)) return {to_tensor(convolution->kernel, type_)};
  if (const auto* dense = std::get_if<Dense>(&layer))
    return {to_tensor(dense->weight, type_), to_tensor(dense->bias, type_)};
  const auto* polynomial = std::get_if<Polynomial>(&layer);
  // keep_near() needs a leading term that is not linear.
  if (polynomial == nullptr || !train_polynomials_ || !ranges_[index] ||
      polynomial->coefficients.size() < 3 || polynomial->coefficients.back() == 0)
    return {};
  return {to_tensor(chebyshev_form(*polynomial, *ranges_[index]), type_)};
}

/// Clenshaw's recurrence.
torch::Tensor TorchNetwork::apply_trained(size_t index, const torch::Tensor& rows) const {
  const torch::Tensor& b = tensors_[index][0];
  const torch::Tensor t = (rows - ranges_[index]->centre()) / ranges_[index]->half();
  torch::Tensor last = torch::zeros_like(t), sum = torch::zeros_like(t);
  for (int64_t k = b.size(0) - 1; k > 0; --k) {
    const torch::Tensor next = 2 * t * sum - last + b[k];
    last = sum;
    sum = next;
  }
  return t * sum - last + b[0];
}

TorchNetwork::Answer TorchNetwork::forward(torch::Tensor rows, std::span<const double> dropout,
                                           at::Generator& generator, std::vector<LinearPass>* passes) const {
  Answer answer{std::move(rows), {}};
  for (size_t i = 0; i < shape_.layers.size(); ++i) {
    const Layer& layer = shape_.layers[i];
    if (const auto& range = ranges_[i]) {
      const torch::Tensor beyond = torch::relu((answer.values - range->centre()).abs() - range->half());
      const torch::Tensor overrun = beyond.square().sum(1).mean();
      answer.overrun = answer.overrun.defined() ? answer.overrun + overrun : overrun;
    }
    const torch::Tensor input = answer.values;
    if (std::holds_alternative<Polynomial>(layer) && !tensors_[i].empty()) {
      answer.values = apply_trained(i, answer.values);
    } else {
      answer.values =
          std::visit([&](const auto& known) { return apply(known, answer.values, tensors_[i]); }, layer);
      const bool trained = !tensors_[i].empty() && tensors_[i].front().requires_grad();
      if (passes != nullptr && trained)
        passes->push_back({input, answer.values, tensors_[i].size() == 1 ? tensors_[i].front().size(0) : 0});
    }
    if (!dropout.empty() && dropout[i] > 0) {
      const torch::Tensor kept = torch::empty_like(answer.values).bernoulli_(1 - dropout[i], generator);
      answer.values = answer.values * kept / (1 - dropout[i]);
    }
  }
  return answer;
}

torch::Tensor TorchNetwork::distance_from_start() const {
  torch::Tensor sum = torch::zeros({});
  for (size_t i = 0; i < coefficients_.size(); ++i) {
    sum = sum + (coefficients_[i] - to_tensor(starts_[i], type_)).square().sum();
  }
  return sum;
}

void TorchNetwork::keep_polynomials_near_start() const {
  const torch::NoGradGuard no_gradients;
  for (size_t i = 0; i < coefficients_.size(); ++i) {
    std::vector<double> kept(starts_[i].size());
    copy(coefficients_[i], kept);
    keep_near(kept, starts_[i]);
    torch::Tensor values = coefficients_[i];  // a handle: the tensor itself is written
    values.copy_(to_tensor(kept, type_));
  }
}

Network TorchNetwork::network() const {
  Network network = shape_;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Tensors& own = tensors_[i];
    if (auto* convolution = std::get_if<Conv1D>(&network.layers[i])) {
      copy(own[0], convolution->kernel);
    } else if (auto* dense = std::get_if<Dense>(&network.layers[i])) {
      copy(own[0], dense->weight.values);
      copy(own[1], dense->bias);
    } else if (auto* polynomial = std::get_if<Polynomial>(&network.layers[i]); polynomial && !own.empty()) {
      std::vector<double> coefficients(polynomial->coefficients.size());
      copy(own[0], coefficients);
      *polynomial = from_chebyshev_form(coefficients, *ranges_[i]);
    }
  }
  return network;
}

}  // namespace cryptotl
