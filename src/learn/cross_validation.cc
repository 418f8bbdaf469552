#include "cryptotl/learn/cross_validation.h"

#include <algorithm>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/pretrain.h"
#include "paper_network.h"
#include "runs.h"

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
  result.folds.resize(folds.size());
  result.curves.resize(folds.size());
  std::vector<Matrix> given(folds.size());
  run_all(
      folds.size(), options.threads,
      [&](size_t fold) {
        const Split& split = folds[fold];
        TrainingOptions training = options.training;
        training.seed = options.seed + fold;
        Trained trained = train(make_trainee(training.seed), take_rows(rows, split.train),
                                take(labels, split.train), training, {});
        given[fold] = forward(with_scores(std::move(trained.network)), take_rows(rows, split.test));
        result.folds[fold] = measure(given[fold], take(labels, split.test));
        result.curves[fold] = std::move(trained.curve);
      },
      progress);
  result.scores = Matrix(rows.rows, given.front().cols);
  for (size_t fold = 0; fold < folds.size(); ++fold) {
    for (size_t r = 0; r < given[fold].rows; ++r) {
      std::ranges::copy(given[fold].row(r), result.scores.row(folds[fold].test[r]).begin());
    }
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
    std::vector<double> dropout = lower_dropout(lower);
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
