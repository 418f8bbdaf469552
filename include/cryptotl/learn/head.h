#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cryptotl/learn/private_training.h"
#include "cryptotl/learn/training.h"

namespace cryptotl {

enum class HeadKind {
  paper,     ///< the paper's upper network on the features
  linear,    ///< regularised logistic regression on the features
  combined,  ///< the same on the client's own embedding and the features side by side
  local,     ///< the same on the embedding alone: no provider
  automatic  ///< local, unless cross-validation prefers combined or linear by over one standard error
};
std::string_view name(HeadKind kind);  ///< "paper", "linear", "combined", "local", "auto"
std::optional<HeadKind> head_kind(std::string_view name);

/// What the provider publishes that helps a head; all of it may be missing.
struct ProviderKnowledge {
  std::vector<double> feature_mean, feature_deviation;  ///< [features] on the provider's source
  /// The provider's own layer on the features, with the classes in the order of the client's labels. Pass it
  /// only where the label names are the same; cross-validation decides how far it is trusted.
  std::optional<Dense> output_layer;
};

struct HeadOptions {
  HeadKind kind = HeadKind::automatic;
  uint64_t seed = 0;         ///< of the cross-validation's folds and the paper head's training
  TrainingOptions training;  ///< of the paper head
};

struct Head {
  HeadKind kind = HeadKind::local;  ///< never automatic: the one that was chosen
  /// On embedding (local), features (linear, paper) or the embedding followed by the features (combined);
  /// ends in Sigmoid (one output: class 1) or Softmax. Centring and scaling are folded into its first Dense.
  Network network;
  std::string reason;  ///< one line, with numbers: why this head and this penalty
  /// No logit moves by more than this times the largest move of a feature: the sum of absolute weights; 0 for
  /// local. A score of two classes moves by at most a quarter of that.
  double sensitivity = 0;
  std::vector<Epoch> curve;  ///< paper only
};

/// Trains a head on labelled rows: their embeddings as the embedder gives them (not scaled), and their
/// features. What a kind does not use may be empty. Labels are 0 .. classes - 1, at least two rows a class.
/// Throws invalid_argument where these do not fit.
Head train_head(const Matrix& embeddings, const Matrix& features, std::span<const int> labels,
                const ProviderKnowledge& provider = {}, const HeadOptions& options = {},
                const ProgressFunction& progress = {});

struct PrivateHead {
  Head head;
  PrivacySpent spent;
};

/// A linear head (local, linear or combined) by DP-SGD, to be published: rows of length 1 and features are
/// scaled by the provider's statistics alone, and training begins at the provider's output layer where there
/// is one. The sigmoid or softmax at its end, its reason and all else in it depend on the rows through the
/// noisy sums alone. Throws as train_head() and train_privately() do, and for another kind.
PrivateHead train_private_head(const Matrix& embeddings, const Matrix& features, std::span<const int> labels,
                               const ProviderKnowledge& provider, HeadKind kind,
                               const PrivacyOptions& options, const ProgressFunction& progress = {});

/// The head's scores, [rows][1] or [rows][classes].
Matrix scores(const Head& head, const Matrix& embeddings, const Matrix& features);

}  // namespace cryptotl
