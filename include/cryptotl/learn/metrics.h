#pragma once

#include <span>
#include <vector>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// How well scores tell classes apart. The positive class of two is class 1. With more classes, precision,
/// recall, f1, roc_auc (one against the rest) and pr_auc are means over the classes that occur.
struct Metrics {
  double loss = 0;  ///< mean cross-entropy, probabilities kept within [1e-15, 1 - 1e-15]
  double accuracy = 0;
  double balanced_accuracy = 0;  ///< mean recall over the classes that occur
  double f1 = 0;                 ///< 0 where no row is or is called positive
  double precision = 0;          ///< 0 where no row is called positive
  double recall = 0;
  double kappa = 0;    ///< Cohen's; 0 where chance alone agrees everywhere
  double roc_auc = 0;  ///< 1/2 where only one class occurs
  double pr_auc = 0;   ///< average precision: sum of precision times the step in recall
};

/// Two classes: `scores` are probabilities of class 1, labels 0 or 1; a score of at least 1/2 calls class 1.
/// Throws invalid_argument for no rows, unequal lengths, labels out of range, scores that are not finite.
Metrics measure(std::span<const double> scores, std::span<const int> labels);

/// `scores` as a network gives them: [rows][1] (as above), or [rows][classes], where the largest calls.
Metrics measure(const Matrix& scores, std::span<const int> labels);

/// The class that each row of scores calls; of equal ones the first (of two classes, 1 at exactly 1/2).
std::vector<int> called_classes(const Matrix& scores);

/// Metrics over several runs, such as folds.
struct MetricsSummary {
  Metrics mean;
  Metrics deviation;  ///< sample standard deviation (n - 1); 0 for a single run
};
MetricsSummary summarize(std::span<const Metrics> runs);

}  // namespace cryptotl
