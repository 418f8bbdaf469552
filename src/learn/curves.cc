#include "cryptotl/learn/curves.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "cryptotl/base/error.h"
#include "cryptotl/learn/metrics.h"

namespace cryptotl {
namespace {

/// How many rows of class 1 and of class 0 score at least `threshold`.
struct Counts {
  double threshold = std::numeric_limits<double>::infinity();
  double positive = 0;
  double negative = 0;
};

/// From threshold infinity to the lowest score: one entry a distinct score.
std::vector<Counts> counts_by_threshold(std::span<const double> scores, std::span<const int> labels) {
  if (scores.size() != labels.size()) {
    throw Error(ErrorCode::invalid_argument,
                std::to_string(labels.size()) + " labels for " + std::to_string(scores.size()) + " scores");
  }
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<Counts> counts(1);
  for (const size_t row : order) {
    if (scores[row] != counts.back().threshold) {
      counts.push_back(counts.back());
      counts.back().threshold = scores[row];
    }
    (labels[row] == 1 ? counts.back().positive : counts.back().negative) += 1;
  }
  return counts;
}

constexpr size_t kMeanCurveSteps = 200;

/// The curve's last y at x, on a straight line between points; the curve's x never fall.
double height(const std::vector<CurvePoint>& curve, double x) {
  const auto beyond = std::ranges::upper_bound(curve, x, {}, [](const CurvePoint& point) { return point.x; });
  if (beyond == curve.begin()) return curve.front().y;
  const CurvePoint& left = *(beyond - 1);
  if (beyond == curve.end()) return left.y;
  return left.y + (beyond->y - left.y) * (x - left.x) / (beyond->x - left.x);
}

/// Means over the classes that occur; `curve_of` makes one class's curve from its scores and 0 or 1 a row.
template <typename CurveOf>
std::vector<CurvePoint> mean_curve(const Matrix& scores, std::span<const int> labels,
                                   const CurveOf& curve_of) {
  if (scores.rows != labels.size() || scores.cols < 2) {
    throw Error(ErrorCode::invalid_argument, std::to_string(labels.size()) + " labels for " +
                                                 std::to_string(scores.rows) + " rows of " +
                                                 std::to_string(scores.cols) + " scores");
  }
  std::vector<std::vector<CurvePoint>> curves;
  for (size_t c = 0; c < scores.cols; ++c) {
    if (std::ranges::count(labels, static_cast<int>(c)) == 0) continue;
    std::vector<double> score(labels.size());
    std::vector<int> is_class(labels.size());
    for (size_t r = 0; r < labels.size(); ++r) {
      score[r] = scores(r, c);
      is_class[r] = labels[r] == static_cast<int>(c) ? 1 : 0;
    }
    curves.push_back(curve_of(score, is_class));
  }
  std::vector<CurvePoint> mean(kMeanCurveSteps + 1);
  for (size_t i = 0; i < mean.size(); ++i) {
    mean[i] = {static_cast<double>(i) / kMeanCurveSteps, 0, std::numeric_limits<double>::quiet_NaN()};
    for (const auto& curve : curves)
      mean[i].y += height(curve, mean[i].x) / static_cast<double>(curves.size());
  }
  return mean;
}

}  // namespace

std::vector<CurvePoint> roc_curve(std::span<const double> scores, std::span<const int> labels) {
  const std::vector<Counts> counts = counts_by_threshold(scores, labels);
  const Counts& all = counts.back();
  if (all.positive == 0 || all.negative == 0) {
    throw Error(ErrorCode::invalid_argument, "a ROC curve needs rows of both classes");
  }
  std::vector<CurvePoint> curve;
  for (const Counts& count : counts) {
    curve.push_back({count.negative / all.negative, count.positive / all.positive, count.threshold});
  }
  return curve;
}

std::vector<CurvePoint> precision_recall_curve(std::span<const double> scores, std::span<const int> labels) {
  const std::vector<Counts> counts = counts_by_threshold(scores, labels);
  const Counts& all = counts.back();
  if (all.positive == 0)
    throw Error(ErrorCode::invalid_argument, "a precision-recall curve needs rows of class 1");
  std::vector<CurvePoint> curve;
  for (const Counts& count : counts) {
    const double called = count.positive + count.negative;
    curve.push_back(
        {count.positive / all.positive, called == 0 ? 1 : count.positive / called, count.threshold});
  }
  return curve;
}

std::vector<CurvePoint> mean_roc_curve(const Matrix& scores, std::span<const int> labels) {
  auto curve = mean_curve(scores, labels,
                          [](const auto& score, const auto& is_class) { return roc_curve(score, is_class); });
  curve.insert(curve.begin(), {0, 0, curve.front().threshold});
  return curve;
}

std::vector<CurvePoint> mean_precision_recall_curve(const Matrix& scores, std::span<const int> labels) {
  return mean_curve(scores, labels, [](const auto& score, const auto& is_class) {
    return precision_recall_curve(score, is_class);
  });
}

Matrix confusion_matrix(const Matrix& scores, std::span<const int> labels) {
  const size_t classes = std::max<size_t>(scores.cols, 2);
  const std::vector<int> called = called_classes(scores);
  Matrix confusion(classes, classes);
  for (size_t r = 0; r < labels.size(); ++r)
    confusion(static_cast<size_t>(labels[r]), static_cast<size_t>(called[r])) += 1;
  return confusion;
}

std::vector<CalibrationBin> calibration_curve(std::span<const double> scores, std::span<const int> labels,
                                              size_t bins) {
  std::vector<CalibrationBin> all(bins);
  for (size_t r = 0; r < scores.size(); ++r) {
    const auto bin = static_cast<size_t>(std::clamp(scores[r], 0.0, 1.0) * static_cast<double>(bins));
    CalibrationBin& held = all[std::min(bin, bins - 1)];
    held.mean_score += scores[r];
    held.positive_share += labels[r] == 1 ? 1 : 0;
    ++held.rows;
  }
  std::erase_if(all, [](const CalibrationBin& bin) { return bin.rows == 0; });
  for (CalibrationBin& bin : all) {
    bin.mean_score /= static_cast<double>(bin.rows);
    bin.positive_share /= static_cast<double>(bin.rows);
  }
  return all;
}

}  // namespace cryptotl
