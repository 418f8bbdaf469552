#include "cryptotl/learn/cross_validation.h"

#include <algorithm>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/pretrain.h"
#include "paper_network.h"

namespace cryptotl {
namespace {

std::vector<int> take(std::span<const int> labels, std::span<const size_t> indices) {
  std::vector<int> taken;
  for (const size_t index : indices) taken.push_back(labels[index]);
  return taken;
}

/// Trains a new network on every fold's training rows; `make_trainee` takes the fold's seed.
template <typename MakeTrainee>
CrossValidation cross_validate(const Matrix& rows, std::span<const int> labels,
                               const CrossValidationOptions& options, const ProgressFunction& progress,
                               const MakeTrainee& make_trainee) {
  const std::vector<Split> folds = stratified_folds(labels, options.folds, options.seed);
  CrossValidation result;
  for (size_t fold = 0; fold < folds.size(); ++fold) {
    const Split& split = folds[fold];
    TrainingOptions training = options.training;
    training.seed = options.seed + fold;
    Trained trained = train(make_trainee(training.seed), take_rows(rows, split.train),
                            take(labels, split.train), training, {});
    const Matrix given = forward(with_scores(std::move(trained.network)), take_rows(rows, split.test));
    if (fold == 0) result.scores = Matrix(rows.rows, given.cols);
    for (size_t r = 0; r < split.test.size(); ++r)
      std::ranges::copy(given.row(r), result.scores.row(split.test[r]).begin());
    result.folds.push_back(measure(given, take(labels, split.test)));
    result.curves.push_back(std::move(trained.curve));
    if (progress) progress(fold + 1, folds.size());
  }
  result.summary = summarize(result.folds);
  return result;
}

void check(const Matrix& rows, std::span<const int> labels) {
  if (rows.rows != labels.size()) {
    throw Error(ErrorCode::invalid_argument,
                std::to_string(labels.size()) + " labels for " + std::to_string(rows.rows) + " rows");
  }
}

}  // namespace

CrossValidation cross_validate_whole(const Matrix& scaled_rows, std::span<const int> labels, bool polynomial,
                                     const CrossValidationOptions& options,
                                     const ProgressFunction& progress) {
  check(scaled_rows, labels);
  const size_t classes = class_counts(labels).size();
  Layer activation = Relu{};
  if (polynomial) activation = kPaperCubic;
  return cross_validate(scaled_rows, labels, options, progress, [&](uint64_t seed) {
    Network lower = paper_lower(scaled_rows.cols, seed, activation);
    Trainee whole = paper_upper(output_width(lower).value(), classes, seed + 1);
    std::vector<double> dropout = paper_lower_dropout(lower);
    dropout.insert(dropout.end(), whole.dropout.begin(), whole.dropout.end());
    lower.layers.insert(lower.layers.end(), whole.network.layers.begin(), whole.network.layers.end());
    return Trainee{std::move(lower), std::move(dropout)};
  });
}

CrossValidation cross_validate_upper(const Matrix& features, std::span<const int> labels,
                                     const CrossValidationOptions& options,
                                     const ProgressFunction& progress) {
  check(features, labels);
  const size_t classes = class_counts(labels).size();
  return cross_validate(features, labels, options, progress,
                        [&](uint64_t seed) { return paper_upper(features.cols, classes, seed); });
}

}  // namespace cryptotl
