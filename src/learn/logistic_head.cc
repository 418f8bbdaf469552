#include "logistic_head.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cryptotl/learn/folds.h"
#include "number_text.h"
#include "paper_network.h"

namespace cryptotl {
namespace {

Error refusal(const std::string& why) { return Error(ErrorCode::invalid_argument, why); }

/// Shares of the features in the combined kernel: as much as the embedding, or a third of it. The smaller one
/// keeps the embedding's say where labels are many, the larger one carries the provider's where they are few.
constexpr double kFeatureShares[] = {1, 0.3};

/// A block of input columns, centred and scaled: x -> (x - centre) * scale, column by column.
struct Block {
  std::vector<double> centre, scale;

  /// Centred on these rows, columns divided by `deviation` (empty: by 1), then scaled to a mean row norm of
  /// sqrt(share).
  Block(const Matrix& rows, std::span<const double> deviation, double share)
      : centre(rows.cols), scale(rows.cols, 1) {
    const double largest = deviation.empty() ? 1 : std::ranges::max(deviation);
    for (size_t c = 0; c < deviation.size(); ++c) {
      // A column that hardly moved on the source says nothing about how far it moves: it is not blown up.
      scale[c] = 1 / (deviation[c] > 1e-3 * largest ? deviation[c] : std::max(largest, 1e-300));
    }
    for (size_t r = 0; r < rows.rows; ++r) {
      for (size_t c = 0; c < rows.cols; ++c) centre[c] += rows(r, c) / static_cast<double>(rows.rows);
    }
    double norms = 0;
    for (size_t r = 0; r < rows.rows; ++r) {
      double square = 0;
      for (size_t c = 0; c < rows.cols; ++c) square += std::pow((rows(r, c) - centre[c]) * scale[c], 2);
      norms += std::sqrt(square);
    }
    const double factor = norms > 0 ? std::sqrt(share) * static_cast<double>(rows.rows) / norms : 0;
    for (double& value : scale) value *= factor;
  }

  void apply(const Matrix& rows, Matrix& design, size_t first_column) const {
    for (size_t r = 0; r < rows.rows; ++r) {
      for (size_t c = 0; c < rows.cols; ++c)
        design(r, first_column + c) = (rows(r, c) - centre[c]) * scale[c];
    }
  }

  /// The weights on the raw columns; what centring costs goes into the bias.
  void unapply(std::span<double> weight, double& bias) const {
    for (size_t c = 0; c < weight.size(); ++c) {
      weight[c] *= scale[c];
      bias -= weight[c] * centre[c];
    }
  }
};

bool uses_embedding(HeadKind kind) { return kind == HeadKind::local || kind == HeadKind::combined; }
bool uses_features(HeadKind kind) { return kind != HeadKind::local; }

/// The input blocks of one kind of head, in the order of its network's input.
struct Input {
  std::vector<const Matrix*> sources;
  std::vector<Block> blocks;
  size_t columns = 0;

  Input(const HeadData& data, HeadKind kind, double feature_share) {
    if (uses_embedding(kind)) add(data.embeddings, {}, 1);
    if (uses_features(kind)) add(data.features, data.provider.feature_deviation, feature_share);
  }

  Matrix design() const {
    Matrix design(sources.front()->rows, columns);
    size_t first = 0;
    for (size_t b = 0; b < blocks.size(); ++b) {
      blocks[b].apply(*sources[b], design, first);
      first += sources[b]->cols;
    }
    return design;
  }

 private:
  void add(const Matrix& rows, std::span<const double> deviation, double share) {
    sources.push_back(&rows);
    blocks.emplace_back(rows, deviation, share);
    columns += rows.cols;
  }
};

LogisticData logistic_data(const HeadData& data, const Input& input, double trust) {
  LogisticData logistic{
      input.design(), {data.labels.begin(), data.labels.end()}, class_counts(data.labels).size(), {}};
  if (trust == 0) return logistic;
  logistic.offset = forward(Network{data.features.cols, {*data.provider.output_layer}}, data.features);
  for (double& logit : logistic.offset.values) logit *= trust;
  return logistic;
}

/// The fitted weights as a layer on the raw input, with the provider's part added.
Dense to_dense(LogisticWeights weights, const HeadData& data, const Input& input, double trust) {
  Dense dense{std::move(weights.weight), std::move(weights.bias)};
  for (size_t output = 0; output < dense.weight.rows; ++output) {
    size_t first = 0;
    for (const Block& block : input.blocks) {
      block.unapply(dense.weight.row(output).subspan(first, block.centre.size()), dense.bias[output]);
      first += block.centre.size();
    }
    if (trust == 0) continue;
    const std::span<const double> provider = data.provider.output_layer->weight.row(output);
    const std::span<double> own = dense.weight.row(output).last(provider.size());
    for (size_t c = 0; c < own.size(); ++c) own[c] += trust * provider[c];
    dense.bias[output] += trust * data.provider.output_layer->bias[output];
  }
  return dense;
}

void check_rows(const Matrix& rows, std::string_view what, size_t labels) {
  if (rows.cols == 0) throw refusal("this head needs the " + std::string(what));
  if (rows.rows != labels) {
    throw refusal(std::to_string(labels) + " labels for " + std::to_string(rows.rows) + " rows of " +
                  std::string(what));
  }
  if (!std::ranges::all_of(rows.values, [](double value) { return std::isfinite(value); })) {
    throw refusal("the " + std::string(what) + " hold a number that is not finite");
  }
}

void check_provider(const ProviderKnowledge& provider, size_t features, size_t outputs) {
  for (const auto* statistic : {&provider.feature_mean, &provider.feature_deviation}) {
    if (!statistic->empty() && statistic->size() != features) {
      throw refusal("the provider's statistics are of " + std::to_string(statistic->size()) +
                    " features, not " + std::to_string(features));
    }
  }
  if (!provider.output_layer) return;
  const Matrix& weight = provider.output_layer->weight;
  if (weight.cols != features || weight.rows != outputs || provider.output_layer->bias.size() != outputs) {
    throw refusal("the provider's output layer is [" + std::to_string(weight.rows) + "][" +
                  std::to_string(weight.cols) + "], where [" + std::to_string(outputs) + "][" +
                  std::to_string(features) + "] is needed");
  }
}

std::string penalty_text(const HeadPlan& plan) {
  std::string text = "C = " + number_text(plan.search.C);
  if (plan.kind == HeadKind::combined) text += ", features' share " + number_text(plan.feature_share);
  if (plan.trust != 0) text += ", drawn towards the provider's output layer";
  return text;
}

}  // namespace

void check_head_data(const HeadData& data, HeadKind kind) {
  const std::vector<size_t> counts = class_counts(data.labels);
  if (counts.size() < 2) throw refusal("a head needs rows of at least two classes");
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] < 2) {
      throw refusal("class " + std::to_string(c) + " has " + std::to_string(counts[c]) +
                    " labelled rows, where a head needs at least two");
    }
  }
  if (uses_embedding(kind) || kind == HeadKind::automatic)
    check_rows(data.embeddings, "embeddings", data.labels.size());
  if (!uses_features(kind)) return;
  check_rows(data.features, "features", data.labels.size());
  check_provider(data.provider, data.features.cols, counts.size() == 2 ? 1 : counts.size());
}

HeadPlan plan_head(const HeadData& data, HeadKind kind, uint64_t seed) {
  const bool combined = kind == HeadKind::combined;
  HeadPlan best;
  bool first = true;
  for (const double share : kFeatureShares) {
    const Input input(data, kind, share);
    for (const double trust : {0.0, 1.0}) {
      if (trust != 0 && !(combined && data.provider.output_layer)) continue;
      HeadPlan plan{kind, share, trust, search_penalty(logistic_data(data, input, trust), seed)};
      if (first || plan.search.loss < best.search.loss) best = std::move(plan);
      first = false;
    }
    if (!combined) break;
  }
  return best;
}

Comparison compare(const HeadPlan& first, const HeadPlan& second) {
  const std::vector<double>& a = first.search.row_losses;
  const std::vector<double>& b = second.search.row_losses;
  CRYPTOTL_ASSERT(a.size() == b.size() && a.size() > 1);
  const auto rows = static_cast<double>(a.size());
  Comparison comparison;
  for (size_t r = 0; r < a.size(); ++r) comparison.gain += (a[r] - b[r]) / rows;
  double squares = 0;
  for (size_t r = 0; r < a.size(); ++r) squares += std::pow(a[r] - b[r] - comparison.gain, 2);
  comparison.standard_error = std::sqrt(squares / (rows - 1) / rows);
  return comparison;
}

const HeadPlan& better_provided(const HeadPlan& linear, const HeadPlan& combined) {
  return combined.search.loss < linear.search.loss ? combined : linear;
}

Head fit_head(const HeadData& data, const HeadPlan& plan) {
  const Input input(data, plan.kind, plan.feature_share);
  const LogisticData logistic = logistic_data(data, input, plan.trust);
  Head head;
  head.kind = plan.kind;
  Dense dense = to_dense(fit_logistic(logistic, plan.search.C), data, input, plan.trust);
  if (uses_features(plan.kind)) {
    for (size_t output = 0; output < dense.weight.rows; ++output) {
      double sum = 0;
      for (const double weight : dense.weight.row(output).last(data.features.cols)) sum += std::abs(weight);
      head.sensitivity = std::max(head.sensitivity, sum);
    }
  }
  head.network = with_scores({input.columns, {std::move(dense)}});
  head.reason = std::string(name(plan.kind)) + ": cross-validated log-loss " + number_text(plan.search.loss) +
                " (" + penalty_text(plan) + ")";
  return head;
}

}  // namespace cryptotl
