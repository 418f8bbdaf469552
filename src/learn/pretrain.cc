#include "cryptotl/learn/pretrain.h"

#include <cmath>

#include "cryptotl/learn/folds.h"
#include "paper_network.h"
#include "runs.h"

namespace cryptotl {
namespace {

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

Pretrained pretrain(const Matrix& scaled_rows, std::span<const int> labels, const PretrainOptions& options,
                    const ProgressFunction& progress) {
  const size_t classes = class_counts(labels).size();
  if (classes < 2) throw Error(ErrorCode::invalid_argument, "training needs rows of at least two classes");
  compute_on_one_thread();
  const uint64_t seed = options.training.seed;
  Trainee trainee{options.network ? *options.network : lower_network(scaled_rows.cols, options.shape, seed),
                  {}};
  trainee.train_polynomials = options.train_activation;
  const size_t features = output_width(trainee.network).value();
  if (!options.network) trainee.dropout = lower_dropout(trainee.network);
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
