#pragma once

#include <span>
#include <vector>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// One threshold of a curve: rows whose score is at least `threshold` are called class 1.
struct CurvePoint {
  double x = 0;
  double y = 0;
  double threshold = 0;
};

/// x = false positive rate, y = true positive rate; from (0, 0) at threshold infinity to (1, 1), one point a
/// distinct score. Throws invalid_argument unless both classes occur.
std::vector<CurvePoint> roc_curve(std::span<const double> scores, std::span<const int> labels);

/// x = recall, y = precision; from (0, 1) at threshold infinity to recall 1, one point a distinct score.
/// Throws invalid_argument unless class 1 occurs.
std::vector<CurvePoint> precision_recall_curve(std::span<const double> scores, std::span<const int> labels);

/// The curves of every class against the rest, averaged at equally spaced x over the classes that `labels`
/// hold ("macro" averages; thresholds are of no meaning and NaN). `scores` [rows][classes], at least two.
/// Throws invalid_argument where lengths do not fit, or unless two classes occur.
std::vector<CurvePoint> mean_roc_curve(const Matrix& scores, std::span<const int> labels);
std::vector<CurvePoint> mean_precision_recall_curve(const Matrix& scores, std::span<const int> labels);

/// [classes][classes]: how many rows of the class (row) are called so (column). `scores` as in measure().
Matrix confusion_matrix(const Matrix& scores, std::span<const int> labels);

/// Rows whose score lies in one of equally wide bins of [0, 1].
struct CalibrationBin {
  double mean_score = 0;
  double positive_share = 0;
  size_t rows = 0;
};
/// The bins that hold rows, in order.
std::vector<CalibrationBin> calibration_curve(std::span<const double> scores, std::span<const int> labels,
                                              size_t bins = 10);

}  // namespace cryptotl
