#pragma once

#include "cryptotl/learn/head.h"
#include "logistic.h"

namespace cryptotl {

/// One way to fit a logistic head.
struct HeadSetting {
  double feature_share = 1;  ///< combined: the features' part of the kernel, the embedding's being 1
  double trust = 0;  ///< combined: the multiple of the provider's output layer that the penalty draws towards
  double C = 0;      ///< chosen by cross-validation
  double weight = 1;  ///< in the average of the settings' logits; all weights add up to 1
};

/// Cross-validation takes no more rows than this (but four a class).
inline constexpr size_t kSearchRows = 600;

/// A logistic head that cross-validation has settled, but that is not fitted yet. Local and linear have one
/// setting. Combined averages over its settings, weighted by exp(-rows * log-loss out of fold): with few
/// labels cross-validation cannot tell them apart, and their average does better than the one that comes
/// first by chance (pseudo-Bayesian model averaging; Yao, Vehtari, Simpson, Gelman, Bayesian Analysis 2018).
/// It is one linear layer all the same.
struct HeadPlan {
  HeadKind kind = HeadKind::local;
  std::vector<HeadSetting> settings;
  double loss = 0;  ///< mean of row_losses
  std::vector<double>
      row_losses;  ///< [rows searched] log-loss of the (averaged) logits from outside the row's fold
};

/// What the rows' owner has in hand, checked to fit together.
struct HeadData {
  const Matrix& embeddings;
  const Matrix& features;
  std::span<const int> labels;
  const ProviderKnowledge& provider;
};

/// Throws invalid_argument where the data do not fit together or lack what the kind needs.
void check_head_data(const HeadData& data, HeadKind kind);

/// Cross-validates linear, combined or local on these rows; where there are more than kSearchRows, on a
/// random draw of them, since the best penalty on the weights hardly depends on the number of rows and the
/// cost grows with its cube. The same seed draws the same rows for every kind.
HeadPlan plan_head(const HeadData& data, HeadKind kind, uint64_t seed);

/// What cross-validation's log-loss says about two plans on the same rows.
struct Comparison {
  double gain = 0;            ///< mean loss of the first minus that of the second
  double standard_error = 0;  ///< of the gain, from its rows
  bool clear() const { return gain > standard_error; }
};
Comparison compare(const HeadPlan& first, const HeadPlan& second);

/// The better of linear and combined by log-loss.
const HeadPlan& better_provided(const HeadPlan& linear, const HeadPlan& combined);

/// Largest sum of absolute weights of an output over its `last` inputs: how far it moves while none of them
/// moves by more than 1.
double largest_row_sum(const Matrix& weight, size_t last);

/// Fits the planned head on the rows: a Dense and a Sigmoid or Softmax.
Head fit_head(const HeadData& data, const HeadPlan& plan);

}  // namespace cryptotl
