#pragma once

#include "cryptotl/learn/head.h"
#include "logistic.h"

namespace cryptotl {

/// A logistic head with its penalty, and (combined) the provider's share, chosen by cross-validation, but not
/// fitted yet.
struct HeadPlan {
  HeadKind kind = HeadKind::local;
  double feature_share = 1;  ///< combined: the features' part of the kernel, the embedding's being 1
  double trust = 0;  ///< combined: the multiple of the provider's output layer that the penalty draws towards
  PenaltySearch search;
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

/// Cross-validates linear, combined or local on these rows.
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

/// Fits the planned head on the rows: a Dense and a Sigmoid or Softmax.
Head fit_head(const HeadData& data, const HeadPlan& plan);

}  // namespace cryptotl
