#include "cryptotl/learn/private_training.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cryptotl/base/number_text.h"
#include "cryptotl/learn/folds.h"
#include "refusal.h"
#include "training_backend.h"

namespace cryptotl {
namespace {

constexpr size_t kFewestRows = 10;

void check_numbers(size_t rows, const PrivacyOptions& options, double delta) {
  if (rows < kFewestRows) {
    throw refusal("privacy: " + std::to_string(rows) + " rows; at least " + std::to_string(kFewestRows) +
                  " are needed");
  }
  if (options.epsilon.has_value() == options.noise_multiplier.has_value())
    throw refusal("privacy: either a target epsilon or a noise multiplier is right");
  if (options.epsilon && !(*options.epsilon > 0 && std::isfinite(*options.epsilon)))
    throw refusal("privacy: an epsilon of " + number_text(*options.epsilon) + "; a number above 0 is right");
  if (options.noise_multiplier &&
      !(*options.noise_multiplier >= 0 && std::isfinite(*options.noise_multiplier)))
    throw refusal("privacy: a noise multiplier of " + number_text(*options.noise_multiplier) +
                  "; a number above 0 is right");
  if (!(delta > 0 && delta < 1 / static_cast<double>(rows))) {
    throw refusal("privacy: a delta of " + number_text(delta) +
                  "; above 0 and below 1 / rows = " + number_text(1 / static_cast<double>(rows)) +
                  " is right, where publishing a row at random would no longer do");
  }
  if (!(options.clipping_norm > 0 && std::isfinite(options.clipping_norm)))
    throw refusal("privacy: a clipping norm of " + number_text(options.clipping_norm) +
                  "; a number above 0 is right");
  if (options.batch > rows) {
    throw refusal("privacy: a batch of " + std::to_string(options.batch) + " of " + std::to_string(rows) +
                  " rows; at most all are right");
  }
  if (options.steps == 0) throw refusal("privacy: 0 steps; at least 1 is right");
  if (!(options.learning_rate > 0 && std::isfinite(options.learning_rate)))
    throw refusal("privacy: a learning rate of " + number_text(options.learning_rate) +
                  "; a number above 0 is right");
}

void check_fit(const Network& network, const Matrix& rows, std::span<const int> labels) {
  const size_t outputs = std::max<size_t>(output_width(network).value(), 2);
  if (rows.rows != labels.size()) {
    throw refusal("privacy: " + std::to_string(labels.size()) + " labels for " + std::to_string(rows.rows) +
                  " rows");
  }
  if (rows.cols != network.input_width) {
    throw refusal("privacy: rows of " + std::to_string(rows.cols) + " numbers for a network that takes " +
                  std::to_string(network.input_width));
  }
  if (class_counts(labels).size() > outputs) {
    throw refusal("privacy: label " + std::to_string(class_counts(labels).size() - 1) +
                  " where the network knows " + std::to_string(outputs) + " classes");
  }
}

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
  out.network = training_backend().descend_privately(start, rows, labels, options, out.spent, progress);
  if (!output_width(out.network).ok())
    throw refusal("privacy: training ran into numbers that are not finite");
  return out;
}

}  // namespace cryptotl
