#include "cryptotl/learn/private_training.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cryptotl/base/number_text.h"
#include "cryptotl/learn/folds.h"
#include "learn/discrete_gaussian.h"
#include "learn/example_gradients.h"
#include "learn/noisy_sum.h"
#include "runs.h"

namespace cryptotl {
namespace {

constexpr size_t kFewestRows = 10;
constexpr int64_t kBlockRows = 1024;  // whose gradients are in memory at a time

Error refusal(const std::string& why) { return Error(ErrorCode::invalid_argument, "privacy: " + why); }

void check_numbers(size_t rows, const PrivacyOptions& options, double delta) {
  if (rows < kFewestRows) {
    throw refusal(std::to_string(rows) + " rows; at least " + std::to_string(kFewestRows) + " are needed");
  }
  if (options.epsilon.has_value() == options.noise_multiplier.has_value())
    throw refusal("either a target epsilon or a noise multiplier is right");
  if (options.epsilon && !(*options.epsilon > 0 && std::isfinite(*options.epsilon)))
    throw refusal("an epsilon of " + number_text(*options.epsilon) + "; a number above 0 is right");
  if (options.noise_multiplier &&
      !(*options.noise_multiplier >= 0 && std::isfinite(*options.noise_multiplier)))
    throw refusal("a noise multiplier of " + number_text(*options.noise_multiplier) +
                  "; a number above 0 is right");
  if (!(delta > 0 && delta < 1 / static_cast<double>(rows))) {
    throw refusal("a delta of " + number_text(delta) +
                  "; above 0 and below 1 / rows = " + number_text(1 / static_cast<double>(rows)) +
                  " is right, where publishing a row at random would no longer do");
  }
  if (!(options.clipping_norm > 0 && std::isfinite(options.clipping_norm)))
    throw refusal("a clipping norm of " + number_text(options.clipping_norm) + "; a number above 0 is right");
  if (options.batch > rows) {
    throw refusal("a batch of " + std::to_string(options.batch) + " of " + std::to_string(rows) +
                  " rows; at most all are right");
  }
  if (options.steps == 0) throw refusal("0 steps; at least 1 is right");
  if (!(options.learning_rate > 0 && std::isfinite(options.learning_rate)))
    throw refusal("a learning rate of " + number_text(options.learning_rate) + "; a number above 0 is right");
}

/// Sampling and noise of one training.
Seed seed_of(const PrivacyOptions& options) {
  if (!options.insecure_seed) return random_seed();
  Seed seed{};
  Label label("privacy experiment");
  label.add(*options.insecure_seed);
  Xof(Seed{}, label.view()).fill(seed);
  return seed;
}

torch::Tensor to_labels(std::span<const int> labels, bool binary) {
  const std::vector<int64_t> classes(labels.begin(), labels.end());
  const torch::Tensor out = torch::tensor(classes, torch::kLong);
  return binary ? out.to(torch::kDouble) : out;
}

void check_fit(const Network& network, const Matrix& rows, std::span<const int> labels) {
  const size_t outputs = std::max<size_t>(output_width(network).value(), 2);
  if (rows.rows != labels.size()) {
    throw refusal(std::to_string(labels.size()) + " labels for " + std::to_string(rows.rows) + " rows");
  }
  if (rows.cols != network.input_width) {
    throw refusal("rows of " + std::to_string(rows.cols) + " numbers for a network that takes " +
                  std::to_string(network.input_width));
  }
  if (class_counts(labels).size() > outputs) {
    throw refusal("label " + std::to_string(class_counts(labels).size() - 1) + " where the network knows " +
                  std::to_string(outputs) + " classes");
  }
}

/// One training under way.
class Descent {
 public:
  Descent(const Network& start, const Matrix& rows, std::span<const int> labels,
          const PrivacyOptions& options, const PrivacySpent& spent)
      : network_(trainee_of(start)),
        rows_(to_tensor(rows, torch::kDouble)),
        labels_(to_labels(labels, output_width(start).value() == 1)),
        seed_(seed_of(options)),
        sampler_(seed_, spent.mechanism.sampling_rate),
        sum_(seed_, weight_count(), spent.clipping_norm, spent.mechanism.noise_multiplier),
        expected_(spent.mechanism.sampling_rate * static_cast<double>(rows.rows)),
        rate_(options.learning_rate) {}

  void step(size_t number) {
    const std::vector<int64_t> sample = sampler_.draw(static_cast<size_t>(rows_.size(0)));
    torch::Tensor total = torch::zeros({static_cast<int64_t>(weight_count())}, torch::kDouble);
    for (size_t first = 0; first < sample.size(); first += kBlockRows) {
      const auto count = std::min<size_t>(kBlockRows, sample.size() - first);
      const torch::Tensor index =
          torch::tensor(at::ArrayRef<int64_t>(sample.data() + first, count), torch::kLong);
      total += clipped(index, number);
    }
    sum_.release(std::span(total.data_ptr<double>(), weight_count()));
    move(total * (-rate_ / (expected_ * sum_.clipping_norm())));
  }

  /// Takes the present weights into the mean.
  void add_to_mean() {
    const torch::NoGradGuard no_gradients;
    ++averaged_;
    for (size_t i = 0; i < weights().size(); ++i) {
      if (mean_.size() == i) mean_.push_back(torch::zeros_like(weights()[i]));
      mean_[i] += (weights()[i] - mean_[i]) / static_cast<double>(averaged_);
    }
  }

  Network mean() {
    const torch::NoGradGuard no_gradients;
    for (size_t i = 0; i < weights().size(); ++i) torch::Tensor(weights()[i]).copy_(mean_[i]);
    return network_.network();
  }

 private:
  static Trainee trainee_of(const Network& start) {
    Trainee trainee{start, {}};
    trainee.double_precision = true;
    return trainee;
  }

  const std::vector<torch::Tensor>& weights() const { return network_.weights(); }

  size_t weight_count() const {
    int64_t count = 0;
    for (const torch::Tensor& weight : weights()) count += weight.numel();
    return static_cast<size_t>(count);
  }

  torch::Tensor clipped(const torch::Tensor& index, size_t number) const {
    const ExampleGradients gradients(network_, rows_.index_select(0, index), labels_.index_select(0, index));
    const torch::NoGradGuard no_gradients;
    const torch::Tensor norms = gradients.norms();
    if (!norms.isfinite().all().item<bool>()) {
      throw refusal("a row's gradient is not finite in step " + std::to_string(number + 1) +
                    ": use a learning rate below " + number_text(rate_));
    }
    const torch::Tensor factors = (sum_.row_limit() / norms.clamp_min(1e-300)).clamp_max(1);
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& part : gradients.weighted_sum(factors)) flat.push_back(part.flatten());
    return torch::cat(flat);
  }

  void move(const torch::Tensor& step) const {
    const torch::NoGradGuard no_gradients;
    int64_t first = 0;
    for (torch::Tensor weight : weights()) {
      weight += step.narrow(0, first, weight.numel()).view(weight.sizes());
      first += weight.numel();
    }
  }

  TorchNetwork network_;
  torch::Tensor rows_, labels_;
  Seed seed_;
  PoissonSampler sampler_;
  NoisySum sum_;
  double expected_, rate_;
  std::vector<torch::Tensor> mean_;
  size_t averaged_ = 0;
};

}  // namespace

double default_delta(size_t rows) { return 0.1 / static_cast<double>(std::max<size_t>(rows, 1)); }

PrivacySpent plan_privacy(size_t rows, const PrivacyOptions& options) {
  PrivacySpent out;
  out.delta = options.delta == 0 ? default_delta(rows) : options.delta;
  check_numbers(rows, options, out.delta);
  const size_t batch = options.batch == 0 ? (rows + 3) / 4 : options.batch;
  out.mechanism.sampling_rate = static_cast<double>(batch) / static_cast<double>(rows);
  out.mechanism.steps = options.steps;
  out.clipping_norm = options.clipping_norm;
  out.seeded = options.insecure_seed.has_value();
  out.mechanism.noise_multiplier =
      options.epsilon
          ? noise_multiplier_for(*options.epsilon, out.delta, out.mechanism.sampling_rate, options.steps)
          : *options.noise_multiplier;
  out.epsilon = out.mechanism.noise_multiplier > 0 ? tight_epsilon({&out.mechanism, 1}, out.delta)
                                                   : std::numeric_limits<double>::infinity();
  return out;
}

PrivatelyTrained train_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                                 const PrivacyOptions& options, const ProgressFunction& progress) {
  check_fit(start, rows, labels);
  PrivatelyTrained out{{}, plan_privacy(rows.rows, options)};
  compute_on_one_thread();
  Descent descent(start, rows, labels, options, out.spent);
  for (size_t step = 0; step < options.steps; ++step) {
    descent.step(step);
    if (2 * step + 1 >= options.steps) descent.add_to_mean();
    if (progress) progress(step + 1, options.steps);
  }
  out.network = descent.mean();
  if (!output_width(out.network).ok()) throw refusal("training ran into numbers that are not finite");
  return out;
}

}  // namespace cryptotl
