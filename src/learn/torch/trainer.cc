#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "backend.h"
#include "learn/random_order.h"
#include "learn/refusal.h"
#include "torch_network.h"

namespace cryptotl {
namespace {

constexpr double kCoefficientPenalty = 1e-2;  // on squared distances from the start, in Chebyshev's form
constexpr double kLargestGradient =
    5;  // Euclidean norm over all parameters; one bad batch must not throw the cubic off

/// Rows and labels as LibTorch's loss takes them.
struct Batch {
  torch::Tensor rows;
  torch::Tensor labels;
};

Batch to_batch(const Matrix& rows, std::span<const int> labels, bool binary, torch::ScalarType type) {
  const std::vector<int64_t> classes(labels.begin(), labels.end());
  const torch::Tensor labels_tensor = torch::tensor(classes, torch::kLong);
  return {to_tensor(rows, type), binary ? labels_tensor.to(type) : labels_tensor};
}

Batch take(const Batch& all, std::span<const int64_t> indices) {
  const torch::Tensor index =
      torch::tensor(at::ArrayRef<int64_t>(indices.data(), indices.size()), torch::kLong);
  return {all.rows.index_select(0, index), all.labels.index_select(0, index)};
}

bool is_binary(const torch::Tensor& logits) { return logits.size(1) == 1; }

torch::Tensor mean_loss(const torch::Tensor& logits, const torch::Tensor& labels) {
  if (is_binary(logits)) return torch::binary_cross_entropy_with_logits(logits.squeeze(1), labels);
  return torch::cross_entropy_loss(logits, labels);
}

double accuracy(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::Tensor right =
      is_binary(logits) ? logits.squeeze(1).ge(0).eq(labels.gt(0.5)) : logits.argmax(1).eq(labels);
  return right.to(torch::kDouble).mean().item<double>();
}

/// One pass over the rows in a new order; the mean loss of its batches.
double train_epoch(const TorchNetwork& network, const Trainee& trainee, const Batch& all,
                   std::span<int64_t> order, size_t batch_rows, torch::optim::Optimizer& optimizer,
                   Random& random, at::Generator& generator) {
  shuffle(order, random);
  double sum = 0;
  for (size_t begin = 0; begin < order.size(); begin += batch_rows) {
    const auto indices = order.subspan(begin, std::min(batch_rows, order.size() - begin));
    const Batch batch = take(all, indices);
    optimizer.zero_grad();
    const TorchNetwork::Answer answer = network.forward(batch.rows, trainee.dropout, generator);
    const torch::Tensor loss = mean_loss(answer.values, batch.labels);
    torch::Tensor total = loss;
    if (answer.overrun.defined()) total = total + kOverrunPenalty * answer.overrun;
    if (trainee.train_polynomials) total = total + kCoefficientPenalty * network.distance_from_start();
    total.backward();
    torch::nn::utils::clip_grad_norm_(network.parameters(), kLargestGradient);
    optimizer.step();
    network.keep_polynomials_near_start();
    sum += loss.item<double>() * static_cast<double>(indices.size());
  }
  return sum / static_cast<double>(order.size());
}

void validate(const TorchNetwork& network, const Batch& batch, at::Generator& generator, Epoch& epoch) {
  const torch::NoGradGuard no_gradients;
  const torch::Tensor logits = network.forward(batch.rows, {}, generator).values;
  epoch.validation_loss = mean_loss(logits, batch.labels).item<double>();
  epoch.validation_accuracy = accuracy(logits, batch.labels);
}

}  // namespace

Trained TorchBackend::train(const Trainee& trainee, const TrainingRows& data, const TrainingOptions& options,
                            const ProgressFunction& progress) const {
  const bool binary = output_width(trainee.network).value() == 1;
  const TorchNetwork network(trainee);
  const Batch all = to_batch(data.rows, data.labels, binary, network.type());
  std::vector<int64_t> order(data.split.train.begin(), data.split.train.end());
  const Batch validation = take(all, std::vector<int64_t>(data.split.test.begin(), data.split.test.end()));

  Random random(options.seed);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(random());
  torch::optim::AdamW optimizer(
      network.weights(),
      torch::optim::AdamWOptions(options.learning_rate).weight_decay(options.weight_decay));
  if (!network.polynomials().empty()) {
    optimizer.add_param_group(torch::optim::OptimizerParamGroup(
        network.polynomials(), std::make_unique<torch::optim::AdamWOptions>(
                                   torch::optim::AdamWOptions(options.learning_rate).weight_decay(0))));
  }
  Trained trained;
  if (trainee.may_keep_start) {
    validate(network, validation, generator, trained.best);
    trained.network = trainee.network;
  }
  size_t best = 0;
  for (size_t e = 0; e < options.epochs && e <= best + options.patience; ++e) {
    Epoch epoch;
    epoch.train_loss = train_epoch(network, trainee, all, order, options.batch, optimizer, random, generator);
    validate(network, validation, generator, epoch);
    if (!std::isfinite(epoch.train_loss) || !std::isfinite(epoch.validation_loss)) {
      throw refusal("training ran into numbers that are not finite in epoch " + std::to_string(e + 1) +
                    ": use a learning rate below " + std::to_string(options.learning_rate) +
                    " and rows scaled to about [0, 1]");
    }
    const bool first = e == 0 && !trainee.may_keep_start;
    if (first || epoch.validation_loss < trained.best.validation_loss) {
      best = e;
      trained.best = epoch;
      trained.network = network.network();
    }
    trained.curve.push_back(epoch);
    if (progress) progress(e + 1, options.epochs);
  }
  if (progress && trained.curve.size() < options.epochs) progress(options.epochs, options.epochs);
  return trained;
}

}  // namespace cryptotl
