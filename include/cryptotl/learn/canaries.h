#pragma once

#include <optional>
#include <span>

#include "cryptotl/learn/empirical_privacy.h"
#include "cryptotl/learn/private_training.h"

namespace cryptotl {

struct CanaryOptions {
  size_t canaries = 512;  ///< of which half are guessed at
  /// What is trained: a lower network of this shape with its output layer, by pretrain_privately(), or, where
  /// there is none, a linear head, by train_privately().
  std::optional<LowerShape> shape;
  PrivacyOptions training;  ///< insecure_seed is set from `seed`
  uint64_t seed = 0;        ///< of coins, sampling and noise: an audit can be repeated
  double confidence = 0.99;
};

struct CanaryAudit {
  CanaryGuesses guessed;
  double empirical_epsilon = 0;  ///< a lower bound, by one_run_epsilon() at the training's delta
  PrivacySpent claimed;          ///< the upper bound; epsilon infinite without noise
};

/// Trains once on the rows, which lie within [0, 1], and on canaries, each of which is in by a coin of its
/// own, and guesses from the trained network which were. Canaries are rows of the worst kind that gradients
/// can have: each stands alone in an input column of its own, with a random label, so that no other row says
/// anything of it; in a linear head its gradient is the one direction of that column (the Dirac canary of
/// Nasr, Hayes, Steinke, Balle, Tramer, Jagielski, Carlini and Terzis, arXiv 2302.07956). Guessed by how far
/// the training moved a canary's logit towards its label: the quarter that moved most were in, the quarter
/// that moved least were not.
///
/// The batch is that of `training` out of the rows there are with the canaries that are in, and delta the
/// given one or default_delta() of all rows and canaries. Throws invalid_argument for fewer than 8 canaries,
/// for other than two labels, and as train_privately(). Safe from several threads.
CanaryAudit audit_canaries(const Matrix& rows, std::span<const int> labels, const CanaryOptions& options,
                           const ProgressFunction& progress = {});

}  // namespace cryptotl
