#include "logistic_head.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cryptotl/base/number_text.h"
#include "cryptotl/learn/folds.h"
#include "paper_network.h"
#include "refusal.h"

namespace cryptotl {
namespace {

/// Shares of the features in the combined kernel. The smaller ones keep the embedding's say where labels are
/// many, the larger ones carry the provider's where they are few.
constexpr double kFeatureShares[] = {1, 0.3, 0.1};

/// Settings of less weight than this are left out of the average.
constexpr double kSmallestWeight = 0.02;

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

/// sum += factor * values.
void add(std::span<double> sum, std::span<const double> values, double factor) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += factor * values[i];
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
    add(own, provider, trust);
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

/// All the settings that cross-validation is to try.
std::vector<HeadSetting> candidates(HeadKind kind, bool has_output_layer) {
  if (kind != HeadKind::combined) return {HeadSetting{}};
  std::vector<HeadSetting> settings;
  for (const double share : kFeatureShares) {
    settings.push_back({.feature_share = share});
    if (has_output_layer) settings.push_back({.feature_share = share, .trust = 1});
  }
  return settings;
}

/// Gives every setting its weight in the average and drops those that hardly count, with their searches.
void weigh(std::vector<HeadSetting>& settings, std::vector<PenaltySearch>& searches) {
  const double best = std::ranges::min(searches, {}, &PenaltySearch::loss).loss;
  const auto rows = static_cast<double>(searches.front().logits.rows);
  double sum = 0;
  for (size_t s = 0; s < settings.size(); ++s) {
    settings[s].C = searches[s].C;
    settings[s].weight = std::exp(-rows * (searches[s].loss - best));
    sum += settings[s].weight;
  }
  double kept = 0;
  for (size_t s = settings.size(); s-- > 0;) {
    if (settings[s].weight >= kSmallestWeight * sum) {
      kept += settings[s].weight;
    } else {
      settings.erase(settings.begin() + static_cast<ptrdiff_t>(s));
      searches.erase(searches.begin() + static_cast<ptrdiff_t>(s));
    }
  }
  for (HeadSetting& setting : settings) setting.weight /= kept;
}

std::string settings_text(const HeadPlan& plan) {
  const HeadSetting& main = *std::ranges::max_element(plan.settings, {}, &HeadSetting::weight);
  std::string text = "C = " + number_text(main.C);
  if (plan.kind != HeadKind::combined) return text;
  double trust = 0;
  for (const HeadSetting& setting : plan.settings) trust += setting.weight * setting.trust;
  text += ", mean of " + std::to_string(plan.settings.size()) +
          " settings, the features' share of the first " + number_text(main.feature_share);
  return text + ", trust in the provider's output layer " + number_text(trust);
}

HeadPlan cross_validate(const HeadData& data, HeadKind kind, uint64_t seed) {
  HeadPlan plan{kind, candidates(kind, data.provider.output_layer.has_value()), 0, {}};
  std::vector<PenaltySearch> searches;
  for (const HeadSetting& setting : plan.settings) {
    const Input input(data, kind, setting.feature_share);
    searches.push_back(search_penalty(logistic_data(data, input, setting.trust), seed));
  }
  weigh(plan.settings, searches);
  Matrix logits(searches.front().logits.rows, searches.front().logits.cols);
  for (size_t s = 0; s < searches.size(); ++s) {
    add(logits.values, searches[s].logits.values, plan.settings[s].weight);
  }
  plan.row_losses = log_losses(logits, data.labels);
  plan.loss =
      std::accumulate(plan.row_losses.begin(), plan.row_losses.end(), 0.0) / static_cast<double>(logits.rows);
  return plan;
}

}  // namespace

double largest_row_sum(const Matrix& weight, size_t last) {
  double largest = 0;
  for (size_t r = 0; r < weight.rows; ++r) {
    double sum = 0;
    for (const double value : weight.row(r).last(last)) sum += std::abs(value);
    largest = std::max(largest, sum);
  }
  return largest;
}

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
  const size_t limit = std::max(kSearchRows, 4 * class_counts(data.labels).size());
  if (data.labels.size() <= limit) return cross_validate(data, kind, seed);
  std::vector<size_t> pool(data.labels.size());
  std::iota(pool.begin(), pool.end(), size_t{0});
  const std::vector<size_t> drawn = draw_rows(pool, data.labels, limit, 2, seed);
  Matrix embeddings, features;
  if (uses_embedding(kind)) embeddings = take_rows(data.embeddings, drawn);
  if (uses_features(kind)) features = take_rows(data.features, drawn);
  std::vector<int> labels;
  for (const size_t row : drawn) labels.push_back(data.labels[row]);
  return cross_validate({embeddings, features, labels, data.provider}, kind, seed);
}

Comparison compare(const HeadPlan& first, const HeadPlan& second) {
  const std::vector<double>& a = first.row_losses;
  const std::vector<double>& b = second.row_losses;
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
  return combined.loss < linear.loss ? combined : linear;
}

Head fit_head(const HeadData& data, const HeadPlan& plan) {
  Dense mean;
  for (const HeadSetting& setting : plan.settings) {
    const Input input(data, plan.kind, setting.feature_share);
    const LogisticData logistic = logistic_data(data, input, setting.trust);
    const Dense dense = to_dense(fit_logistic(logistic, setting.C), data, input, setting.trust);
    if (mean.bias.empty())
      mean = {Matrix(dense.weight.rows, dense.weight.cols), std::vector<double>(dense.bias.size())};
    add(mean.weight.values, dense.weight.values, setting.weight);
    add(mean.bias, dense.bias, setting.weight);
  }
  Head head;
  head.kind = plan.kind;
  if (uses_features(plan.kind)) head.sensitivity = largest_row_sum(mean.weight, data.features.cols);
  head.network = with_scores({mean.weight.cols, {std::move(mean)}});
  head.reason = std::string(name(plan.kind)) + ": cross-validated log-loss " + number_text(plan.loss) + " (" +
                settings_text(plan) + ")";
  return head;
}

}  // namespace cryptotl
