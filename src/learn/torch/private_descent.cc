#include <algorithm>
#include <cmath>

#include "backend.h"
#include "cryptotl/base/number_text.h"
#include "example_gradients.h"
#include "learn/discrete_gaussian.h"
#include "learn/noisy_sum.h"
#include "learn/refusal.h"

namespace cryptotl {
namespace {

constexpr int64_t kBlockRows = 1024;  // whose gradients are in memory at a time

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
      throw refusal("privacy: a row's gradient is not finite in step " + std::to_string(number + 1) +
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

Network TorchBackend::descend_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                                        const PrivacyOptions& options, const PrivacySpent& spent,
                                        const ProgressFunction& progress) const {
  compute_on_one_thread();
  Descent descent(start, rows, labels, options, spent);
  for (size_t step = 0; step < options.steps; ++step) {
    descent.step(step);
    if (2 * step + 1 >= options.steps) descent.add_to_mean();
    if (progress) progress(step + 1, options.steps);
  }
  return descent.mean();
}

}  // namespace cryptotl
