#include "cryptotl/learn/membership.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cryptotl/learn/folds.h"
#include "random_order.h"
#include "runs.h"

namespace cryptotl {
namespace {

constexpr size_t kFewestModels = 8;
constexpr double kFalsePositives = 0.01;

/// Which rows each model was trained on, and the logits of all rows' labels under it: both [models][rows].
struct Observed {
  Matrix in;
  Matrix logits;
  PrivacySpent spent;
};

/// What one model is trained on: at least 10 rows, and both labels.
std::vector<size_t> members_of(std::span<const double> in) {
  std::vector<size_t> out;
  for (size_t r = 0; r < in.size(); ++r) {
    if (in[r] == 1) out.push_back(r);
  }
  return out;
}

PrivacySpent observe(const Matrix& rows, std::span<const int> labels, const MembershipOptions& options,
                     uint64_t seed, std::span<double> in, std::span<double> logits) {
  Random random(seed);
  for (double& coin : in) coin = static_cast<double>(below(random, 2));
  const std::vector<size_t> members = members_of(in);
  std::vector<int> own;
  for (const size_t member : members) own.push_back(labels[member]);
  PrivacyOptions training = options.training;
  training.insecure_seed = random();
  PrivatelyPretrained made =
      pretrain_privately(private_start(rows.cols, options.shape), take_rows(rows, members), own, training);
  made.lower.layers.emplace_back(std::move(made.output_layer));
  const Matrix answers = forward(made.lower, rows);
  for (size_t r = 0; r < rows.rows; ++r) logits[r] = answers(r, 0) * (labels[r] == 1 ? 1 : -1);
  return made.spent;
}

Observed observe_all(const Matrix& rows, std::span<const int> labels, const MembershipOptions& options,
                     const ProgressFunction& progress) {
  Observed out{Matrix(options.models, rows.rows), Matrix(options.models, rows.rows), {}};
  Random random(options.seed);
  std::vector<uint64_t> seeds(options.models);
  for (uint64_t& seed : seeds) seed = random();
  std::vector<PrivacySpent> spent(options.models);
  run_all(
      options.models, options.threads,
      [&](size_t m) {
        spent[m] = observe(rows, labels, options, seeds[m], out.in.row(m), out.logits.row(m));
      },
      progress);
  for (const PrivacySpent& one : spent) {
    if (one.epsilon >= out.spent.epsilon) out.spent = one;
  }
  return out;
}

/// Logits of one row under the shadow models with it, or without it.
struct Group {
  double count = 0, sum = 0, squares = 0;
  void add(double value) {
    ++count;
    sum += value;
    squares += value * value;
  }
  double mean() const { return sum / count; }
  double scatter() const { return squares - sum * sum / count; }
};

/// log of the likelihood of having been in over that of not, from all models but this one; 0 where these do
/// not tell.
double log_ratio(const Observed& seen, size_t model, size_t row) {
  Group with, without;
  for (size_t m = 0; m < seen.in.rows; ++m) {
    if (m != model) (seen.in(m, row) == 1 ? with : without).add(seen.logits(m, row));
  }
  if (with.count < 2 || without.count < 2) return 0;
  const double variance = (with.scatter() + without.scatter()) / (with.count + without.count - 2);
  if (!(variance > 0)) return 0;
  const double middle = (with.mean() + without.mean()) / 2;
  return (seen.logits(model, row) - middle) * (with.mean() - without.mean()) / variance;
}

/// Of all pairs of a member and another the share where the member's score is the higher one (Mann and
/// Whitney); pairs that tie count by half.
double area(const std::vector<std::pair<double, bool>>& sorted) {
  double members = 0, others = 0, won = 0;
  for (size_t first = 0; first < sorted.size();) {
    double in = 0, out = 0;
    size_t i = first;
    for (; i < sorted.size() && sorted[i].first == sorted[first].first; ++i)
      (sorted[i].second ? in : out) += 1;
    won += in * (others + out / 2);
    members += in;
    others += out;
    first = i;
  }
  return won / (members * others);
}

/// Fills what follows from the scores.
void judge(std::vector<std::pair<double, bool>> scores, double confidence, MembershipAttack& out) {
  std::ranges::sort(scores);
  out.guesses = scores.size();
  const auto right = static_cast<size_t>(
      std::ranges::count_if(scores, [](const auto& one) { return (one.first > 0) == one.second; }));
  const auto members =
      static_cast<size_t>(std::ranges::count_if(scores, [](const auto& one) { return one.second; }));
  out.accuracy = static_cast<double>(right) / static_cast<double>(out.guesses);
  out.accuracy_bounds = clopper_pearson(right, out.guesses, confidence);
  out.auc = area(scores);
  const auto allowed = static_cast<size_t>(kFalsePositives * static_cast<double>(out.guesses - members));
  size_t taken = 0, hits = 0;
  for (size_t i = scores.size(); i-- > 0;) {
    if (scores[i].second) {
      ++hits;
    } else if (++taken > allowed) {
      break;
    }
  }
  out.true_positive_rate = static_cast<double>(hits) / static_cast<double>(members);
  out.true_positive_bounds = clopper_pearson(hits, members, confidence);
}

void measure_overfitting(const Observed& seen, MembershipAttack& out) {
  double right[2] = {0, 0}, count[2] = {0, 0};
  for (size_t i = 0; i < seen.in.values.size(); ++i) {
    const size_t in = seen.in.values[i] == 1 ? 1 : 0;
    right[in] += seen.logits.values[i] > 0 ? 1 : 0;
    ++count[in];
  }
  out.other_accuracy = right[0] / count[0];
  out.fit_accuracy = right[1] / count[1];
}

}  // namespace

MembershipAttack infer_membership(const Matrix& rows, std::span<const int> labels,
                                  const MembershipOptions& options, const ProgressFunction& progress) {
  if (options.models < kFewestModels) {
    throw Error(ErrorCode::invalid_argument, "audit: " + std::to_string(options.models) +
                                                 " models; at least " + std::to_string(kFewestModels) +
                                                 " are right");
  }
  if (rows.rows != labels.size() || class_counts(labels).size() != 2)
    throw Error(ErrorCode::invalid_argument, "audit: rows with labels of two classes, one each, are right");
  const Observed seen = observe_all(rows, labels, options, progress);
  std::vector<std::pair<double, bool>> scores;
  for (size_t m = 0; m < seen.in.rows; ++m) {
    for (size_t r = 0; r < rows.rows; ++r) scores.emplace_back(log_ratio(seen, m, r), seen.in(m, r) == 1);
  }
  MembershipAttack out;
  out.spent = seen.spent;
  judge(std::move(scores), options.confidence, out);
  measure_overfitting(seen, out);
  return out;
}

}  // namespace cryptotl
