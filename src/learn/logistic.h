#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// Rows that a logistic regression is fitted on. The model's logits are design * weight^T + bias + offset.
struct LogisticData {
  Matrix design;            ///< [rows][columns], centred and scaled
  std::vector<int> labels;  ///< [rows], 0 .. classes - 1
  size_t classes = 2;
  Matrix offset;  ///< [rows][outputs], added to the logits as it is; empty for none
  size_t outputs() const { return classes == 2 ? 1 : classes; }
};

struct LogisticWeights {
  Matrix weight;  ///< [outputs][columns]
  std::vector<double> bias;
};

/// Minimises C sum_i loss_i + ||weight||^2 / 2 over weight and bias (the bias is free).
///
/// Two classes and at most kKernelRows rows: Newton's method on the Gram matrix (iteratively reweighted least
/// squares in the dual; Rasmussen and Williams, Gaussian Processes for Machine Learning, algorithm 3.1), so
/// that the number of columns hardly matters. Otherwise L-BFGS on the columns, which for more than two
/// classes are rotated into the span of the rows first where that has fewer.
LogisticWeights fit_logistic(const LogisticData& data, double C);
inline constexpr size_t kKernelRows = 2500;

/// The penalties among which cross-validation chooses, for every head.
inline constexpr std::array<double, 9> kPenalties = {1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4};

struct PenaltySearch {
  double C = 0;
  double loss = 0;  ///< mean log-loss of `logits`
  Matrix logits;    ///< [rows][outputs] from the fold that did not train on the row, at the chosen C
};

/// The log-loss of every row of logits [rows][1 or classes].
std::vector<double> log_losses(const Matrix& logits, std::span<const int> labels);

/// Chooses C by stratified cross-validation of the log-loss: 5 folds, fewer where there are fewer rows. It
/// walks up the penalties and stops where the loss has risen twice in a row.
PenaltySearch search_penalty(const LogisticData& data, uint64_t seed);

}  // namespace cryptotl
