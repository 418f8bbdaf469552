#include "cryptotl/learn/head.h"

#include <algorithm>
#include <array>

#include "cryptotl/base/number_text.h"
#include "cryptotl/learn/folds.h"
#include "logistic_head.h"
#include "paper_network.h"
#include "training_backend.h"

namespace cryptotl {
namespace {

struct KindName {
  HeadKind kind;
  std::string_view name;
};
constexpr std::array<KindName, 5> kNames = {{{HeadKind::paper, "paper"},
                                             {HeadKind::linear, "linear"},
                                             {HeadKind::combined, "combined"},
                                             {HeadKind::local, "local"},
                                             {HeadKind::automatic, "auto"}}};

Head train_paper_head(const HeadData& data, const HeadOptions& options, const ProgressFunction& progress) {
  TrainingOptions training = options.training;
  training.seed = options.seed;
  const Trainee trainee = paper_upper(data.features.cols, class_counts(data.labels).size(), options.seed);
  Trained trained = train(trainee, data.features, data.labels, training, progress);
  Head head;
  head.kind = HeadKind::paper;
  head.sensitivity = 1;  // ReLU and pooling move no further than what they are given
  for (const Layer& layer : trained.network.layers) {
    if (const auto* dense = std::get_if<Dense>(&layer))
      head.sensitivity *= largest_row_sum(dense->weight, dense->weight.cols);
  }
  head.network = with_scores(std::move(trained.network));
  head.curve = std::move(trained.curve);
  head.reason = "paper: validation loss " + number_text(trained.best.validation_loss) + ", accuracy " +
                number_text(100 * trained.best.validation_accuracy) + " % after " +
                std::to_string(head.curve.size()) + " epochs";
  return head;
}

/// Local, unless a head that uses the provider is clearly better; and why.
Head train_automatic_head(const HeadData& data, uint64_t seed, const ProgressFunction& progress) {
  const auto report = [&](size_t done) {
    if (progress) progress(done, 4);
  };
  const HeadPlan local = plan_head(data, HeadKind::local, seed);
  report(1);
  const HeadPlan linear = plan_head(data, HeadKind::linear, seed);
  report(2);
  const HeadPlan combined = plan_head(data, HeadKind::combined, seed);
  report(3);
  const HeadPlan& provided = better_provided(linear, combined);
  const Comparison comparison = compare(local, provided);
  Head head = fit_head(data, comparison.clear() ? provided : local);
  head.reason += "; local " + number_text(local.loss) + ", " + std::string(name(provided.kind)) + " " +
                 number_text(provided.loss) + ": " +
                 (comparison.clear() ? "better by " : "not better than local by one standard error: ") +
                 number_text(comparison.gain) + " with a standard error of " +
                 number_text(comparison.standard_error);
  report(4);
  return head;
}

Matrix side_by_side(const Matrix& left, const Matrix& right) {
  if (left.rows != right.rows) {
    throw Error(ErrorCode::invalid_argument, std::to_string(left.rows) + " rows of embeddings for " +
                                                 std::to_string(right.rows) + " rows of features");
  }
  Matrix both(left.rows, left.cols + right.cols);
  for (size_t r = 0; r < left.rows; ++r) {
    std::ranges::copy(left.row(r), both.row(r).begin());
    std::ranges::copy(right.row(r), both.row(r).begin() + static_cast<ptrdiff_t>(left.cols));
  }
  return both;
}

}  // namespace

std::string_view name(HeadKind kind) { return std::ranges::find(kNames, kind, &KindName::kind)->name; }

std::optional<HeadKind> head_kind(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &KindName::name);
  if (found == kNames.end()) return {};
  return found->kind;
}

Head train_head(const Matrix& embeddings, const Matrix& features, std::span<const int> labels,
                const ProviderKnowledge& provider, const HeadOptions& options,
                const ProgressFunction& progress) {
  const HeadData data{embeddings, features, labels, provider};
  check_head_data(data, options.kind);
  training_backend().compute_on_one_thread();
  if (options.kind == HeadKind::paper) return train_paper_head(data, options, progress);
  if (options.kind == HeadKind::automatic) return train_automatic_head(data, options.seed, progress);
  Head head = fit_head(data, plan_head(data, options.kind, options.seed));
  if (progress) progress(1, 1);
  return head;
}

Matrix scores(const Head& head, const Matrix& embeddings, const Matrix& features) {
  switch (head.kind) {
    case HeadKind::local:
      return forward(head.network, embeddings);
    case HeadKind::combined:
      return forward(head.network, side_by_side(embeddings, features));
    default:
      return forward(head.network, features);
  }
}

}  // namespace cryptotl
