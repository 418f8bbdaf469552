#include "logistic.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/learn/folds.h"
#include "training_backend.h"

namespace cryptotl {
namespace {

constexpr size_t kFolds = 5;

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> log_losses(const Matrix& logits, std::span<const int> labels) {
  std::vector<double> losses(logits.rows);
  for (size_t r = 0; r < logits.rows; ++r) {
    const std::span<const double> row = logits.row(r);
    const double own = row.size() == 1 ? (labels[r] == 1 ? row[0] : 0) : row[static_cast<size_t>(labels[r])];
    const double largest = std::max(std::ranges::max(row), row.size() == 1 ? 0.0 : row[0]);
    double sum = row.size() == 1 ? std::exp(-largest) : 0;  // of two classes, class 0 has the logit 0
    for (const double logit : row) sum += std::exp(logit - largest);
    losses[r] = largest + std::log(sum) - own;
  }
  return losses;
}

LogisticWeights fit_logistic(const LogisticData& data, double C) {
  return training_backend().fit_logistic(data, C);
}

PenaltySearch search_penalty(const LogisticData& data, uint64_t seed) {
  const std::vector<Split> folds = stratified_folds(data.labels, std::min(kFolds, data.labels.size()), seed);
  const std::unique_ptr<PenaltyFits> fits = training_backend().penalty_fits(data, folds);
  PenaltySearch best;
  int rises = 0;
  double last = 0;
  for (const double C : kPenalties) {
    Matrix logits = fits->logits(C);
    const double loss = mean(log_losses(logits, data.labels));
    rises = C != kPenalties.front() && loss > last ? rises + 1 : 0;
    if (best.C == 0 || loss < best.loss) best = {C, loss, std::move(logits)};
    if (rises == 2) break;
    last = loss;
  }
  return best;
}

}  // namespace cryptotl
