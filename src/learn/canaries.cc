#include "cryptotl/learn/canaries.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "cryptotl/learn/folds.h"
#include "random_order.h"

namespace cryptotl {
namespace {

constexpr size_t kFewest = 8;
// Of a canary's one number. In a head all but 1/16 of its gradient's length stands in its own column then; a
// network's polynomials must still follow it.
constexpr double kInHead = 16;
constexpr double kInNetwork = 4;

/// One audit under way: coins, rows and what becomes of them.
class Audit {
 public:
  Audit(const Matrix& rows, std::span<const int> labels, const CanaryOptions& options)
      : options_(options), rows_(rows), labels_(labels), random_(options.seed) {
    for (size_t i = 0; i < options.canaries; ++i) {
      in_.push_back(below(random_, 2) == 1);
      label_.push_back(static_cast<int>(below(random_, 2)));
    }
  }

  CanaryAudit run(const ProgressFunction& progress) {
    CanaryAudit out;
    const std::vector<double> moved = moves(out.claimed, progress);
    out.guessed = guess(moved);
    out.empirical_epsilon = one_run_epsilon(out.guessed, out.claimed.delta, options_.confidence);
    return out;
  }

 private:
  size_t width() const { return rows_.cols + options_.canaries; }
  double amplitude() const { return options_.shape ? kInNetwork : kInHead; }

  void set_canary(std::span<double> row, size_t canary) const {
    std::ranges::fill(row, 0.5);
    row[rows_.cols + canary] += amplitude();
  }

  /// The data's rows, and behind them the canaries that are in.
  Matrix training_rows(std::vector<int>& labels) const {
    labels.assign(labels_.begin(), labels_.end());
    Matrix out(rows_.rows + static_cast<size_t>(std::ranges::count(in_, true)), width());
    for (size_t r = 0; r < rows_.rows; ++r) {
      std::ranges::fill(out.row(r), 0.5);
      std::ranges::copy(rows_.row(r), out.row(r).begin());
    }
    for (size_t i = 0, r = rows_.rows; i < in_.size(); ++i) {
      if (!in_[i]) continue;
      set_canary(out.row(r++), i);
      labels.push_back(label_[i]);
    }
    return out;
  }

  PrivacyOptions training() {
    PrivacyOptions out = options_.training;
    if (out.delta == 0) out.delta = default_delta(rows_.rows + options_.canaries);
    out.insecure_seed = random_();
    return out;
  }

  /// A network from inputs to logits, before training and after.
  struct Training {
    Network start, trained;
    PrivacySpent spent;
  };

  Training train(const ProgressFunction& progress) {
    std::vector<int> labels;
    Matrix rows = training_rows(labels);
    if (options_.shape) {
      const Network start = private_start(width(), *options_.shape);
      PrivatelyPretrained made = pretrain_privately(start, rows, labels, training(), progress);
      made.lower.layers.emplace_back(std::move(made.output_layer));
      return {start, std::move(made.lower), made.spent};
    }
    for (double& value : rows.values) value -= 0.5;
    const Network start{width(), {Dense{Matrix(1, width()), std::vector<double>(1)}}};
    PrivatelyTrained made = train_privately(start, rows, labels, training(), progress);
    return {start, std::move(made.network), made.spent};
  }

  /// How far each canary's own column has moved its logit towards its label: logits of the trained network
  /// less those that it would give with the column as it was.
  std::vector<double> moves(PrivacySpent& spent, const ProgressFunction& progress) {
    Training training = train(progress);
    spent = training.spent;
    const Matrix& before = std::get<Dense>(training.start.layers.front()).weight;
    const Dense entry = std::get<Dense>(training.trained.layers.front());
    Matrix moved(options_.canaries, entry.weight.rows), still = moved;
    std::vector<double> row(width());
    for (size_t i = 0; i < moved.rows; ++i) {
      set_canary(row, i);
      const std::vector<double> now = forward(Network{width(), {entry}}, row);
      std::ranges::copy(now, moved.row(i).begin());
      const size_t column = rows_.cols + i;
      for (size_t unit = 0; unit < now.size(); ++unit)
        still(i, unit) = now[unit] - amplitude() * (entry.weight(unit, column) - before(unit, column));
    }
    training.trained.layers.erase(training.trained.layers.begin());
    training.trained.input_width = entry.weight.rows;
    if (!training.trained.layers.empty()) {
      moved = forward(training.trained, moved);
      still = forward(training.trained, still);
    }
    std::vector<double> out(moved.rows);
    for (size_t i = 0; i < out.size(); ++i) out[i] = (moved(i, 0) - still(i, 0)) * (label_[i] == 1 ? 1 : -1);
    return out;
  }

  CanaryGuesses guess(const std::vector<double>& moved) const {
    std::vector<size_t> order(moved.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return moved[i]; });
    const size_t quarter = order.size() / 4;
    CanaryGuesses out{order.size(), 2 * quarter, 0};
    for (size_t i = 0; i < quarter; ++i) {
      out.right += in_[order[i]] ? 0 : 1;
      out.right += in_[order[order.size() - 1 - i]] ? 1 : 0;
    }
    return out;
  }

  const CanaryOptions& options_;
  const Matrix& rows_;
  std::span<const int> labels_;
  Random random_;
  std::vector<bool> in_;
  std::vector<int> label_;
};

}  // namespace

CanaryAudit audit_canaries(const Matrix& rows, std::span<const int> labels, const CanaryOptions& options,
                           const ProgressFunction& progress) {
  if (options.canaries < kFewest) {
    throw Error(ErrorCode::invalid_argument, "audit: " + std::to_string(options.canaries) +
                                                 " canaries; at least " + std::to_string(kFewest) +
                                                 " are right");
  }
  if (rows.rows != labels.size() || class_counts(labels).size() != 2)
    throw Error(ErrorCode::invalid_argument, "audit: rows with labels of two classes, one each, are right");
  if (options.shape && options.shape->kernel > 1) {
    throw Error(ErrorCode::invalid_argument,
                "audit: a convolution before the canaries' columns; a shape without one is right");
  }
  return Audit(rows, labels, options).run(progress);
}

}  // namespace cryptotl
