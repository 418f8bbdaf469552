#include "cryptotl/learn/pretrain.h"

#include <cmath>

#include "cryptotl/learn/folds.h"
#include "random_order.h"
#include "trainer.h"

namespace cryptotl {
namespace {

constexpr size_t kKernel = 9;
constexpr size_t kPool = 3;
constexpr double kDropout = 0.2;  // after the pooling; the paper gives no rate for the lower network

/// Dropout after every average pooling, which is where the paper's lower network has it.
std::vector<double> paper_dropout(const Network& network) {
  std::vector<double> dropout;
  for (const Layer& layer : network.layers) {
    dropout.push_back(std::holds_alternative<AveragePool1D>(layer) ? kDropout : 0);
  }
  return dropout;
}

/// Mean and standard deviation of every column.
void describe(const Matrix& features, Pretrained& pretrained) {
  const auto rows = static_cast<double>(features.rows);
  std::vector<double>& mean = pretrained.feature_mean;
  std::vector<double>& deviation = pretrained.feature_deviation;
  mean.assign(features.cols, 0);
  deviation.assign(features.cols, 0);
  for (size_t r = 0; r < features.rows; ++r) {
    for (size_t c = 0; c < features.cols; ++c) mean[c] += features(r, c) / rows;
  }
  for (size_t r = 0; r < features.rows; ++r) {
    for (size_t c = 0; c < features.cols; ++c) deviation[c] += std::pow(features(r, c) - mean[c], 2) / rows;
  }
  for (double& variance : deviation) variance = std::sqrt(variance);
}

}  // namespace

Network paper_lower(size_t input_width, uint64_t seed, const Layer& activation) {
  if (input_width < kPool) {
    throw Error(ErrorCode::invalid_argument, "the paper's lower network takes rows of at least " +
                                                 std::to_string(kPool) + " numbers, not " +
                                                 std::to_string(input_width));
  }
  Random random(seed);
  Conv1D convolution{std::vector<double>(kKernel)};
  for (double& tap : convolution.kernel)
    tap = uniform(random, -1 / std::sqrt(kKernel), 1 / std::sqrt(kKernel));
  const size_t pooled = input_width - kPool + 1;
  return {input_width,
          {convolution, random_dense(input_width, input_width, random()), activation, AveragePool1D{kPool},
           random_dense(pooled, pooled, random())}};
}

Pretrained pretrain(const Matrix& scaled_rows, std::span<const int> labels, const PretrainOptions& options,
                    const ProgressFunction& progress) {
  const size_t classes = class_counts(labels).size();
  if (classes < 2) throw Error(ErrorCode::invalid_argument, "training needs rows of at least two classes");
  const uint64_t seed = options.training.seed;
  Trainee trainee{options.network ? *options.network : paper_lower(scaled_rows.cols, seed), {}};
  const size_t features = output_width(trainee.network).value();
  if (!options.network) trainee.dropout = paper_dropout(trainee.network);
  trainee.network.layers.push_back(random_dense(classes == 2 ? 1 : classes, features, seed + 1));
  if (!trainee.dropout.empty()) trainee.dropout.push_back(0);

  Trained trained = train(trainee, scaled_rows, labels, options.training, progress);
  Pretrained pretrained;
  pretrained.output_layer = std::get<Dense>(trained.network.layers.back());
  pretrained.lower = std::move(trained.network);
  pretrained.lower.layers.pop_back();
  pretrained.curve = std::move(trained.curve);
  pretrained.validation_loss = trained.best.validation_loss;
  pretrained.validation_accuracy = trained.best.validation_accuracy;
  describe(forward(pretrained.lower, scaled_rows), pretrained);
  return pretrained;
}

}  // namespace cryptotl
