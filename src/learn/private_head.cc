#include <algorithm>
#include <cmath>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/head.h"
#include "logistic_head.h"
#include "paper_network.h"

namespace cryptotl {
namespace {

/// x -> (x - centre) * scale for every input of the head, from settings and the provider's statistics alone:
/// embeddings as they are (rows of length 1), features to deviation 1 and a length of about 1.
struct PublicScaling {
  std::vector<double> centre, scale;

  PublicScaling(const HeadData& data, HeadKind kind) {
    if (kind != HeadKind::linear) {
      centre.assign(data.embeddings.cols, 0);
      scale.assign(data.embeddings.cols, 1);
    }
    if (kind == HeadKind::local) return;
    const std::vector<double>& mean = data.provider.feature_mean;
    const std::vector<double>& deviation = data.provider.feature_deviation;
    const double largest = deviation.empty() ? 1 : std::ranges::max(deviation);
    const double length = std::sqrt(static_cast<double>(data.features.cols));
    for (size_t c = 0; c < data.features.cols; ++c) {
      centre.push_back(mean.empty() ? 0 : mean[c]);
      const double own = deviation.empty() ? 1 : std::max(deviation[c], std::max(1e-3 * largest, 1e-300));
      scale.push_back(1 / (own * length));
    }
  }

  Matrix apply(const HeadData& data, HeadKind kind) const {
    Matrix out(data.labels.size(), centre.size());
    for (size_t r = 0; r < out.rows; ++r) {
      const auto row = out.row(r);
      auto end = row.begin();
      if (kind != HeadKind::linear) end = std::ranges::copy(data.embeddings.row(r), end).out;
      if (kind != HeadKind::local) std::ranges::copy(data.features.row(r), end);
      for (size_t c = 0; c < row.size(); ++c) row[c] = (row[c] - centre[c]) * scale[c];
    }
    return out;
  }

  /// A layer on raw inputs as one on scaled inputs, and back.
  void scale_weights(Dense& dense) const {
    for (size_t o = 0; o < dense.bias.size(); ++o) {
      for (size_t c = 0; c < scale.size(); ++c) {
        dense.bias[o] += dense.weight(o, c) * centre[c];
        dense.weight(o, c) /= scale[c];
      }
    }
  }
  void unscale_weights(Dense& dense) const {
    for (size_t o = 0; o < dense.bias.size(); ++o) {
      for (size_t c = 0; c < scale.size(); ++c) {
        dense.weight(o, c) *= scale[c];
        dense.bias[o] -= dense.weight(o, c) * centre[c];
      }
    }
  }
};

/// The provider's output layer where there is one for these labels, or zeros.
Dense start_of(const HeadData& data, HeadKind kind, size_t outputs, const PublicScaling& scaling) {
  Dense start{Matrix(outputs, scaling.centre.size()), std::vector<double>(outputs)};
  if (kind == HeadKind::local || !data.provider.output_layer) return start;
  const Dense& layer = *data.provider.output_layer;
  for (size_t o = 0; o < outputs; ++o) {
    std::ranges::copy(layer.weight.row(o), start.weight.row(o).last(layer.weight.cols).begin());
    start.bias[o] = layer.bias[o];
  }
  scaling.scale_weights(start);
  return start;
}

}  // namespace

PrivateHead train_private_head(const Matrix& embeddings, const Matrix& features, std::span<const int> labels,
                               const ProviderKnowledge& provider, HeadKind kind,
                               const PrivacyOptions& options, const ProgressFunction& progress) {
  if (kind == HeadKind::automatic || kind == HeadKind::paper) {
    throw Error(ErrorCode::invalid_argument,
                "privacy: a head of kind " + std::string(name(kind)) +
                    "; local, linear or combined is right, since auto looks at the labels to choose, and the "
                    "paper's head is too large for the rows that clients have");
  }
  const HeadData data{embeddings, features, labels, provider};
  check_head_data(data, kind);
  const size_t classes = class_counts(labels).size();
  const PublicScaling scaling(data, kind);
  const Dense start = start_of(data, kind, classes == 2 ? 1 : classes, scaling);
  const Network network{start.weight.cols, {start}};
  PrivatelyTrained trained = train_privately(network, scaling.apply(data, kind), labels, options, progress);
  Dense dense = std::get<Dense>(trained.network.layers.front());
  scaling.unscale_weights(dense);
  PrivateHead out;
  out.spent = trained.spent;
  out.head.kind = kind;
  if (kind != HeadKind::local) out.head.sensitivity = largest_row_sum(dense.weight, features.cols);
  out.head.network = with_scores({dense.weight.cols, {std::move(dense)}});
  out.head.reason = std::string(name(kind)) + ": trained with differential privacy, no choice by the rows";
  return out;
}

}  // namespace cryptotl
