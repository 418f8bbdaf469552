#pragma once

#include <span>

#include "cryptotl/learn/empirical_privacy.h"
#include "cryptotl/learn/private_training.h"

namespace cryptotl {

struct MembershipOptions {
  LowerShape shape;         ///< of the lower networks that are trained and attacked
  size_t models = 32;       ///< each is attacked with all others as its shadow models
  PrivacyOptions training;  ///< insecure_seed is set from `seed`; a noise multiplier of 0: undefended
  uint64_t seed = 0;
  double confidence = 0.99;
  size_t threads = 1;
};

struct MembershipAttack {
  size_t guesses = 0;  ///< models times rows; half of them are members, by fair coins
  double accuracy = 0;
  ProportionBounds accuracy_bounds;
  double auc = 0;                 ///< area under the curve of true against false positives
  double true_positive_rate = 0;  ///< where 1 % of those that are no members are taken for some
  ProportionBounds true_positive_bounds;
  double fit_accuracy = 0;    ///< mean accuracy of the models' labels on rows that they were trained on
  double other_accuracy = 0;  ///< and on those that they were not: what lies between is overfitting
  PrivacySpent spent;         ///< by one model
};

/// The likelihood ratio attack (Carlini, Chien, Nasr, Song, Terzis and Tramer, arXiv 2112.03570) on who gets
/// features, and knows a row and its label: the features go through the output layer, which providers
/// publish, to the logit of the row's label. Each model is trained on rows drawn by fair coins, one for each
/// row; for each row, the logits that models with and without it give are fitted with two Gaussians of one
/// deviation (their variant for few shadow models), and the likelier one decides. All models know the rows'
/// distribution, the training and the start, as the attacker does.
///
/// Rows lie within [0, 1], labels are of two classes. The bounds take guesses as independent, which they are
/// where nothing leaks: a row's coin in one model is independent of all other coins, and of the model's
/// answers where these do not depend on it. Throws invalid_argument for fewer than 8 models, for other labels
/// and as pretrain_privately().
MembershipAttack infer_membership(const Matrix& rows, std::span<const int> labels,
                                  const MembershipOptions& options, const ProgressFunction& progress = {});

}  // namespace cryptotl
