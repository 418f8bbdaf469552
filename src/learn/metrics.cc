#include "cryptotl/learn/metrics.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cryptotl/base/error.h"
#include "cryptotl/learn/curves.h"
#include "refusal.h"

namespace cryptotl {
namespace {

constexpr double kSmallestProbability = 1e-15;

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

void check(const Matrix& scores, std::span<const int> labels) {
  if (scores.rows != labels.size()) {
    throw refusal(std::to_string(labels.size()) + " labels for " + std::to_string(scores.rows) + " scores");
  }
  if (labels.empty() || scores.cols == 0) throw refusal("nothing can be measured without rows");
  const int classes = static_cast<int>(std::max<size_t>(scores.cols, 2));
  for (size_t r = 0; r < labels.size(); ++r) {
    if (labels[r] < 0 || labels[r] >= classes) {
      throw refusal("row " + std::to_string(r + 1) + " has label " + std::to_string(labels[r]) + " of " +
                    std::to_string(classes) + " classes");
    }
    for (const double score : scores.row(r)) {
      if (!std::isfinite(score))
        throw refusal("the score of row " + std::to_string(r + 1) + " is not finite");
    }
  }
}

/// The probability that the scores give to class `label`.
double probability(std::span<const double> scores, int label) {
  if (scores.size() > 1) return scores[static_cast<size_t>(label)];
  return label == 1 ? scores[0] : 1 - scores[0];
}

double cross_entropy(const Matrix& scores, std::span<const int> labels) {
  double sum = 0;
  for (size_t r = 0; r < labels.size(); ++r) {
    sum -= std::log(
        std::clamp(probability(scores.row(r), labels[r]), kSmallestProbability, 1 - kSmallestProbability));
  }
  return sum / static_cast<double>(labels.size());
}

/// Area under the ROC curve by the trapezoidal rule.
double roc_area(std::span<const double> scores, std::span<const int> positive) {
  if (std::ranges::count(positive, 1) == 0 || std::ranges::count(positive, 0) == 0) return 0.5;
  const std::vector<CurvePoint> curve = roc_curve(scores, positive);
  double area = 0;
  for (size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].x - curve[i - 1].x) * (curve[i].y + curve[i - 1].y) / 2;
  return area;
}

double average_precision(std::span<const double> scores, std::span<const int> positive) {
  if (std::ranges::count(positive, 1) == 0) return 0;
  const std::vector<CurvePoint> curve = precision_recall_curve(scores, positive);
  double area = 0;
  for (size_t i = 1; i < curve.size(); ++i) area += (curve[i].x - curve[i - 1].x) * curve[i].y;
  return area;
}

/// Adds what one class, seen against the rest, contributes to the means over `classes` classes.
void add_class(const Matrix& confusion, size_t positive, const Matrix& scores, std::span<const int> labels,
               double classes, Metrics& metrics) {
  double called = 0, held = 0;
  for (size_t other = 0; other < confusion.rows; ++other) {
    called += confusion(other, positive);
    held += confusion(positive, other);
  }
  const double right = confusion(positive, positive);
  metrics.precision += ratio(right, called) / classes;
  metrics.recall += ratio(right, held) / classes;
  metrics.f1 += ratio(2 * right, called + held) / classes;
  std::vector<double> score(labels.size());
  std::vector<int> is_positive(labels.size());
  for (size_t r = 0; r < labels.size(); ++r) {
    score[r] = probability(scores.row(r), static_cast<int>(positive));
    is_positive[r] = labels[r] == static_cast<int>(positive) ? 1 : 0;
  }
  metrics.roc_auc += roc_area(score, is_positive) / classes;
  metrics.pr_auc += average_precision(score, is_positive) / classes;
}

/// Accuracy, balanced accuracy and Cohen's kappa.
void add_agreement(const Matrix& confusion, Metrics& metrics) {
  double all = 0, right = 0, by_chance = 0, recalls = 0, occurring = 0;
  for (const double count : confusion.values) all += count;
  for (size_t c = 0; c < confusion.rows; ++c) {
    double held = 0, called = 0;
    for (size_t other = 0; other < confusion.rows; ++other) {
      held += confusion(c, other);
      called += confusion(other, c);
    }
    right += confusion(c, c);
    by_chance += held * called / (all * all);
    recalls += ratio(confusion(c, c), held);
    occurring += held > 0 ? 1 : 0;
  }
  metrics.accuracy = right / all;
  metrics.balanced_accuracy = recalls / occurring;
  metrics.kappa = ratio(metrics.accuracy - by_chance, 1 - by_chance);
}

/// Every field of Metrics, so that a mean is written once.
constexpr double Metrics::*kFields[] = {&Metrics::loss,  &Metrics::accuracy,  &Metrics::balanced_accuracy,
                                        &Metrics::f1,    &Metrics::precision, &Metrics::recall,
                                        &Metrics::kappa, &Metrics::roc_auc,   &Metrics::pr_auc};

}  // namespace

Metrics measure(const Matrix& scores, std::span<const int> labels) {
  check(scores, labels);
  Metrics metrics;
  metrics.loss = cross_entropy(scores, labels);
  const Matrix confusion = confusion_matrix(scores, labels);
  add_agreement(confusion, metrics);
  if (confusion.rows == 2) {
    add_class(confusion, 1, scores, labels, 1, metrics);
    return metrics;
  }
  std::vector<size_t> occurring;
  for (size_t c = 0; c < confusion.rows; ++c) {
    if (std::ranges::count(labels, static_cast<int>(c)) > 0) occurring.push_back(c);
  }
  for (const size_t c : occurring)
    add_class(confusion, c, scores, labels, static_cast<double>(occurring.size()), metrics);
  return metrics;
}

Metrics measure(std::span<const double> scores, std::span<const int> labels) {
  Matrix column(scores.size(), 1);
  column.values.assign(scores.begin(), scores.end());
  return measure(column, labels);
}

std::vector<int> called_classes(const Matrix& scores) {
  std::vector<int> called(scores.rows);
  for (size_t r = 0; r < scores.rows; ++r) {
    const std::span<const double> row = scores.row(r);
    called[r] = row.size() == 1 ? (row[0] >= 0.5 ? 1 : 0)
                                : static_cast<int>(std::ranges::max_element(row) - row.begin());
  }
  return called;
}

MetricsSummary summarize(std::span<const Metrics> runs) {
  MetricsSummary summary;
  const auto count = static_cast<double>(runs.size());
  for (double Metrics::*const field : kFields) {
    for (const Metrics& run : runs) summary.mean.*field += run.*field / count;
    for (const Metrics& run : runs) summary.deviation.*field += std::pow(run.*field - summary.mean.*field, 2);
    summary.deviation.*field = count < 2 ? 0 : std::sqrt(summary.deviation.*field / (count - 1));
  }
  return summary;
}

}  // namespace cryptotl
