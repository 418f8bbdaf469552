#include "cryptotl/learn/pretrain.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/base/number_text.h"
#include "cryptotl/learn/folds.h"
#include "paper_network.h"
#include "refusal.h"
#include "training_backend.h"

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

bool has_functions(const Network& network) { return std::ranges::any_of(network.layers, is_replaceable); }

void check_replacement(const PretrainOptions& options) {
  const ReplacementOptions& replacement = options.replacement;
  if (replacement.degree < 2 || replacement.degree > kMaxApproximationDegree) {
    throw refusal("a replaced activation is of degree 2 to " + std::to_string(kMaxApproximationDegree) +
                  ", not " + std::to_string(replacement.degree));
  }
  if (options.train_activation && replacement.fine_tune_epochs == 0)
    throw refusal("the coefficients of a replaced activation are trained by fine-tuning: at least one epoch");
}

/// An odd function's nearest quadratic is a line, and so is everything's on a range where it is straight.
void require_a_curve(const std::vector<ReplacedActivation>& activations) {
  if (std::ranges::any_of(activations, [](const auto& one) { return one.degree >= 2; })) return;
  const ReplacedActivation& one = activations.front();
  throw refusal(
      "layer " + std::to_string(one.layer + 1) + " (" + one.function + "): on its range, " +
      number_text(one.interval.low) + " to " + number_text(one.interval.high) +
      ", a polynomial of the degree asked for is no nearer than a straight line; ask for a higher one");
}

/// Everything that acts on its input alone, drawn into the paper's range.
std::vector<std::optional<PolynomialRange>> paper_ranges(const Network& lower) {
  std::vector<std::optional<PolynomialRange>> ranges;
  for (const Layer& layer : lower.layers) {
    const bool drawn = std::holds_alternative<Polynomial>(layer) || is_replaceable(layer);
    ranges.push_back(drawn ? std::optional(kPaperRange) : std::nullopt);
  }
  return ranges;
}

/// The lower network and its output layer as one.
Network whole(Network lower, const Dense& output_layer) {
  lower.layers.emplace_back(output_layer);
  return lower;
}

void take(Network trained, Pretrained& pretrained) {
  pretrained.output_layer = std::get<Dense>(trained.layers.back());
  pretrained.lower = std::move(trained);
  pretrained.lower.layers.pop_back();
}

/// The network with each degree on the ranges that were recorded.
template <typename Validate>
std::vector<DegreeComparison> compare_degrees(const Network& lower,
                                              const std::vector<ReplacedActivation>& activations,
                                              const Validate& validate) {
  std::vector<Interval> intervals;
  for (const ReplacedActivation& one : activations) intervals.push_back(one.interval);
  std::vector<DegreeComparison> out;
  for (size_t degree = 2; degree <= kMaxApproximationDegree; ++degree) {
    const Replacement replaced = replace_activations(lower, intervals, degree).value();
    double largest = 0;
    for (const ReplacedActivation& one : replaced.activations) largest = std::max(largest, one.max_error);
    out.push_back({degree, largest, validate(replaced.network)});
  }
  return out;
}

/// Puts polynomials in the place of functions and trains what stands behind the first of them.
void replace(const Matrix& rows, std::span<const int> labels, const PretrainOptions& options,
             const std::vector<double>& dropout, const ProgressFunction& progress, Pretrained& pretrained) {
  ActivationReplacement done;
  const auto validate = [&](const Network& lower) {
    return validate_on_held_out(whole(lower, pretrained.output_layer), rows, labels, options.training);
  };
  done.with_functions = validate(pretrained.lower);
  Replacement replaced =
      replace_activations(pretrained.lower, rows, options.replacement.degree, options.replacement.margin)
          .value();
  done.activations = std::move(replaced.activations);
  require_a_curve(done.activations);
  done.with_polynomials = validate(replaced.network);
  done.degrees = compare_degrees(pretrained.lower, done.activations, validate);

  Trainee trainee{whole(std::move(replaced.network), pretrained.output_layer), dropout};
  trainee.ranges = paper_ranges(pretrained.lower);
  for (const ReplacedActivation& one : done.activations)
    trainee.ranges[one.layer] = PolynomialRange{one.interval.low, one.interval.high};
  trainee.ranges.emplace_back();
  trainee.train_polynomials = options.train_activation;
  trainee.frozen = done.activations.front().layer;
  trainee.may_keep_start = true;
  if (options.replacement.fine_tune_epochs > 0) {
    TrainingOptions training = options.training;
    training.epochs = options.replacement.fine_tune_epochs;
    Trained trained = train(trainee, rows, labels, training, progress);
    done.curve = std::move(trained.curve);
    trainee.network = std::move(trained.network);
  }
  take(std::move(trainee.network), pretrained);
  done.fine_tuned = validate(pretrained.lower);
  pretrained.validation_loss = done.fine_tuned.validation_loss;
  pretrained.validation_accuracy = done.fine_tuned.validation_accuracy;
  pretrained.replacement = std::move(done);
}

}  // namespace

Pretrained pretrain(const Matrix& scaled_rows, std::span<const int> labels, const PretrainOptions& options,
                    const ProgressFunction& progress) {
  const size_t classes = class_counts(labels).size();
  if (classes < 2) throw refusal("training needs rows of at least two classes");
  training_backend().compute_on_one_thread();
  const uint64_t seed = options.training.seed;
  Trainee trainee{options.network ? *options.network : lower_network(scaled_rows.cols, options.shape, seed),
                  {}};
  const bool replaces = has_functions(trainee.network);
  if (replaces) check_replacement(options);
  trainee.train_polynomials = options.train_activation;
  trainee.ranges = paper_ranges(trainee.network);
  const size_t features = output_width(trainee.network).value();
  if (!options.network) trainee.dropout = lower_dropout(trainee.network);
  trainee.network.layers.push_back(random_dense(classes == 2 ? 1 : classes, features, seed + 1));
  trainee.ranges.emplace_back();
  if (!trainee.dropout.empty()) trainee.dropout.push_back(0);

  // Both trainings count as one.
  const size_t epochs = options.training.epochs;
  const size_t more = replaces ? options.replacement.fine_tune_epochs : 0;
  const auto progress_from = [&](size_t first) -> ProgressFunction {
    if (!progress) return {};
    return [&progress, first, epochs, more](size_t done, size_t) { progress(first + done, epochs + more); };
  };
  Trained trained = train(trainee, scaled_rows, labels, options.training, progress_from(0));
  Pretrained pretrained;
  take(std::move(trained.network), pretrained);
  pretrained.curve = std::move(trained.curve);
  pretrained.validation_loss = trained.best.validation_loss;
  pretrained.validation_accuracy = trained.best.validation_accuracy;
  if (replaces) replace(scaled_rows, labels, options, trainee.dropout, progress_from(epochs), pretrained);
  describe(forward(pretrained.lower, scaled_rows), pretrained);
  return pretrained;
}

}  // namespace cryptotl
