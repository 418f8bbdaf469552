#include "cryptotl/learn/few_shot.h"

#include <algorithm>
#include <map>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/metrics.h"
#include "logistic_head.h"
#include "paper_network.h"
#include "runs.h"
#include "student.h"

namespace cryptotl {
namespace {

constexpr size_t kEachClass = 2;

/// Rows of every input block, and what they are.
struct Rows {
  Matrix embeddings, features, random_features;
  std::vector<int> labels;
};

Rows take(const FewShotData& data, std::span<const size_t> indices) {
  Rows rows{take_rows(data.embeddings, indices), take_rows(data.features, indices), {}, {}};
  if (data.random_features.cols > 0) rows.random_features = take_rows(data.random_features, indices);
  for (const size_t index : indices) rows.labels.push_back(data.labels[index]);
  return rows;
}

double balanced_accuracy(const Matrix& scores, std::span<const int> labels) {
  return measure(scores, labels).balanced_accuracy;
}

/// Balanced accuracy on the test rows after training on one draw, by the head's name.
using HeadAccuracies = std::map<std::string, double>;

HeadAccuracies measure_draw(const Rows& drawn, const Rows& test, const ProviderKnowledge& provider,
                            uint64_t seed) {
  const HeadData data{drawn.embeddings, drawn.features, drawn.labels, provider};
  const HeadPlan local = plan_head(data, HeadKind::local, seed);
  const HeadPlan linear = plan_head(data, HeadKind::linear, seed);
  const HeadPlan combined = plan_head(data, HeadKind::combined, seed);
  HeadAccuracies accuracy;
  for (const HeadPlan* plan : {&local, &linear, &combined}) {
    const Matrix given = scores(fit_head(data, *plan), test.embeddings, test.features);
    accuracy[std::string(name(plan->kind))] = balanced_accuracy(given, test.labels);
  }
  const HeadPlan& provided = better_provided(linear, combined);
  const HeadKind chosen = compare(local, provided).clear() ? provided.kind : HeadKind::local;
  accuracy["auto"] = accuracy.at(std::string(name(chosen)));
  if (drawn.random_features.cols > 0) {
    const ProviderKnowledge nothing;
    const HeadData control{drawn.embeddings, drawn.random_features, drawn.labels, nothing};
    const Head head = fit_head(control, plan_head(control, HeadKind::linear, seed));
    accuracy["random"] = balanced_accuracy(scores(head, test.embeddings, test.random_features), test.labels);
  }
  return accuracy;
}

/// The rows of the report at one number of labels, from all its draws.
void report(std::span<const HeadAccuracies> draws, size_t shots, std::vector<FewShotRow>& rows) {
  for (const char* const head : {"local", "linear", "combined", "auto", "random"}) {
    if (!draws.front().contains(head)) continue;
    std::vector<double> accuracies, differences;
    for (const HeadAccuracies& draw : draws) {
      accuracies.push_back(draw.at(head));
      differences.push_back(draw.at(head) - draw.at("local"));
    }
    const ConfidenceInterval accuracy = interval_of(accuracies);
    const ConfidenceInterval difference = interval_of(differences);
    rows.push_back(
        {head, shots, accuracy.mean, accuracy.deviation, difference.mean, difference.low, difference.high});
  }
}

void check(const FewShotData& data, const FewShotOptions& options) {
  check_head_data({data.embeddings, data.features, data.labels, data.provider}, HeadKind::automatic);
  if (data.random_features.cols > 0 && data.random_features.rows != data.labels.size()) {
    throw Error(ErrorCode::invalid_argument, std::to_string(data.labels.size()) + " labels for " +
                                                 std::to_string(data.random_features.rows) +
                                                 " rows of the untrained network's features");
  }
  if (options.draws == 0)
    throw Error(ErrorCode::invalid_argument, "a few-shot experiment needs at least one draw");
}

/// The provider's own answer to the test rows: no labels at all.
FewShotRow provider_row(const Rows& test, const Dense& output_layer) {
  const Matrix given = forward(with_scores({test.features.cols, {output_layer}}), test.features);
  return {"provider", 0, balanced_accuracy(given, test.labels), 0, 0, 0, 0};
}

/// The numbers of labels for which a draw leaves every class its rows and takes no more than there are.
std::vector<size_t> possible_shots(const FewShotOptions& options, std::span<const int> labels, size_t pool) {
  const std::vector<size_t> counts = class_counts(labels);
  const auto classes =
      static_cast<size_t>(std::ranges::count_if(counts, [](size_t count) { return count > 0; }));
  std::vector<size_t> shots;
  for (const size_t count : options.shots) {
    if (count >= kEachClass * classes && count <= pool) shots.push_back(count);
  }
  return shots;
}

}  // namespace

FewShotReport few_shot(const FewShotData& data, const FewShotOptions& options,
                       const ProgressFunction& progress) {
  check(data, options);
  const Split split = stratified_split(data.labels, options.test_fraction, options.seed);
  const Rows test = take(data, split.test);
  FewShotReport result{split.test.size(), options.draws, {}};
  if (data.provider.output_layer) result.rows.push_back(provider_row(test, *data.provider.output_layer));

  const std::vector<size_t> possible = possible_shots(options, data.labels, split.train.size());
  std::vector<HeadAccuracies> accuracies(possible.size() * options.draws);
  // The costly draws first, so that no thread is left alone with one at the end.
  const auto last = accuracies.size() - 1;
  run_all(
      accuracies.size(), options.threads,
      [&](size_t i) {
        const size_t run = last - i;
        const size_t shots = possible[run / options.draws];
        const uint64_t seed = (options.seed * 1'000'003 + shots) * 1'000'003 + run % options.draws;
        const Rows drawn = take(data, draw_rows(split.train, data.labels, shots, kEachClass, seed));
        accuracies[run] = measure_draw(drawn, test, data.provider, seed);
      },
      progress);
  for (size_t i = 0; i < possible.size(); ++i) {
    report(std::span(accuracies).subspan(i * options.draws, options.draws), possible[i], result.rows);
  }
  return result;
}

}  // namespace cryptotl
