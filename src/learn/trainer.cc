#include "trainer.h"

#include <cmath>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/metrics.h"
#include "paper_network.h"
#include "random_order.h"
#include "refusal.h"
#include "training_backend.h"

namespace cryptotl {
namespace {

void check(const Trainee& trainee, const Matrix& rows, std::span<const int> labels,
           const TrainingOptions& options) {
  const size_t outputs = output_width(trainee.network).value();
  CRYPTOTL_ASSERT(trainee.dropout.empty() || trainee.dropout.size() == trainee.network.layers.size());
  CRYPTOTL_ASSERT(trainee.ranges.empty() || trainee.ranges.size() == trainee.network.layers.size());
  if (rows.rows != labels.size()) {
    throw refusal(std::to_string(labels.size()) + " labels for " + std::to_string(rows.rows) + " rows");
  }
  if (rows.cols != trainee.network.input_width) {
    throw refusal("rows of " + std::to_string(rows.cols) + " numbers for a network that takes " +
                  std::to_string(trainee.network.input_width));
  }
  const size_t classes = class_counts(labels).size();
  if (classes > std::max<size_t>(outputs, 2)) {
    throw refusal("label " + std::to_string(classes - 1) + " where the network knows " +
                  std::to_string(std::max<size_t>(outputs, 2)) + " classes");
  }
  if (options.epochs == 0 || options.batch == 0 || !(options.learning_rate > 0)) {
    throw refusal("training needs at least one epoch, one row a batch and a positive learning rate");
  }
}

}  // namespace

Trained train(const Trainee& trainee, const Matrix& rows, std::span<const int> labels,
              const TrainingOptions& options, const ProgressFunction& progress) {
  check(trainee, rows, labels, options);
  const Split split = stratified_split(labels, options.validation_fraction, options.seed);
  return training_backend().train(trainee, {rows, labels, split}, options, progress);
}

Epoch validate_on_held_out(const Network& logits, const Matrix& rows, std::span<const int> labels,
                           const TrainingOptions& options) {
  const Split split = stratified_split(labels, options.validation_fraction, options.seed);
  std::vector<int> held_out;
  for (const size_t row : split.test) held_out.push_back(labels[row]);
  const Metrics metrics = measure(forward(with_scores(logits), take_rows(rows, split.test)), held_out);
  return {0, metrics.loss, metrics.accuracy};
}

Dense random_dense(size_t outputs, size_t inputs, uint64_t seed) {
  Random random(seed);
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  Dense dense{Matrix(outputs, inputs), std::vector<double>(outputs)};
  for (double& weight : dense.weight.values) weight = uniform(random, -bound, bound);
  for (double& bias : dense.bias) bias = uniform(random, -bound, bound);
  return dense;
}

}  // namespace cryptotl
