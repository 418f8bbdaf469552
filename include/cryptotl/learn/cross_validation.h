#pragma once

#include <string>

#include "cryptotl/learn/metrics.h"
#include "cryptotl/learn/training.h"

namespace cryptotl {

struct CrossValidationOptions {
  size_t folds = 10;
  uint64_t seed = 0;  ///< of the folds and of the training; settings of the same seed have the same folds
  TrainingOptions training;
  size_t threads = 0;  ///< 0: all of the machine's; the numbers do not depend on it
};

/// One setting of the comparison over all folds.
struct CrossValidation {
  std::vector<Metrics> folds;
  MetricsSummary summary;
  Matrix scores;  ///< [rows][1 or classes], each row's from the fold that did not train on it
  std::vector<std::vector<Epoch>> curves;  ///< [folds][epochs]
};

/// The paper's whole network (lower and upper) trained on the target alone: with ReLU in the lower part
/// (setting "plain") or with the paper's cubic ("plain_polynomial"). `scaled_rows` as for pretrain().
CrossValidation cross_validate_whole(const Matrix& scaled_rows, std::span<const int> labels, bool polynomial,
                                     const CrossValidationOptions& options = {},
                                     const ProgressFunction& progress = {});

/// The paper's upper network on extracted features: computed in plain ("transfer_plain") or through
/// encryption
/// ("transfer_encrypted").
CrossValidation cross_validate_upper(const Matrix& features, std::span<const int> labels,
                                     const CrossValidationOptions& options = {},
                                     const ProgressFunction& progress = {});

}  // namespace cryptotl
