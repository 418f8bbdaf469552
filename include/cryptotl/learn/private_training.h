#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "cryptotl/base/matrix.h"
#include "cryptotl/base/progress.h"
#include "cryptotl/learn/lower_shape.h"
#include "cryptotl/learn/privacy_accountant.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

/// What a training with differential privacy is to keep to. Neighbours are sets of labelled rows of which one
/// has one row more than the other; the number of rows, and which labels there are, count as public.
struct PrivacyOptions {
  std::optional<double> epsilon;           ///< the target: the least noise that keeps to it is found
  std::optional<double> noise_multiplier;  ///< in the place of a target; 0: clipping alone, no privacy
  double delta = 0;                        ///< 0: default_delta()
  /// No row's gradient is longer than this (Euclidean, over all weights) when it is added up.
  double clipping_norm = 1;
  size_t batch = 0;  ///< rows expected in a step; 0: a quarter of all rows
  size_t steps = 60;
  /// A step moves the weights by this times the noisy sum of gradients over batch and clipping norm: by at
  /// most this, but for the noise.
  double learning_rate = 1;
  /// Draws sampling and noise from this number. Whoever knows or guesses it can take the noise off again, so
  /// what comes out is not private: for experiments. Without it both come from the system's generator.
  std::optional<uint64_t> insecure_seed;
};

/// 1 / (10 rows): a tenth of the delta at which publishing a random row would do.
double default_delta(size_t rows);

/// What a training spends, and how it was run.
struct PrivacySpent {
  SampledGaussian mechanism;
  double epsilon = 0;  ///< by tight_epsilon(); infinite without noise
  double delta = 0;
  double clipping_norm = 0;
  bool seeded = false;  ///< noise from insecure_seed: none of this holds
};

/// What training on so many rows with these options would spend, before anything is trained. Throws
/// invalid_argument, naming the option, for what is no budget or no setting: epsilon not above 0, delta not
/// in (0, 1/rows), both or neither of target and noise multiplier, a batch beyond the rows, fewer than 10
/// rows, a budget that no noise multiplier up to 1000 keeps, and so much noise that its grid would be too
/// coarse for the clipping norm (see train_privately).
PrivacySpent plan_privacy(size_t rows, const PrivacyOptions& options);

struct PrivatelyTrained {
  Network network;
  PrivacySpent spent;
};

/// DP-SGD (Abadi et al., arXiv 1607.00133) from the network's weights, which must not depend on the rows: in
/// every step each row takes part by itself with probability batch / rows, its gradient is clipped, noise is
/// added to their sum, and the weights take a step along it. A step that no row takes part in is one of noise
/// alone. The network's answers are logits: one for two classes, else one a class. The weights of Conv1D and
/// Dense are trained; the answer is their mean over the last half of the steps, which costs no privacy.
///
/// Sums are rounded to a grid of 2^-25 of the noise's deviation, and the noise is a discrete Gaussian on it,
/// drawn exactly: no low bits of a floating-point number give anything away. Rows are clipped to slightly
/// less than the clipping norm, so that with the rounding no row moves a sum by more. All is computed in
/// double precision, on one thread.
///
/// Throws as plan_privacy() does, invalid_argument where rows, labels and network do not fit, and where a
/// row's gradient is not finite. Safe to be called by several threads at once.
PrivatelyTrained train_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                                 const PrivacyOptions& options, const ProgressFunction& progress = {});

struct PrivatelyPretrained {
  Network lower;
  Dense output_layer;  ///< as in Pretrained
  PrivacySpent spent;
};

/// Pretrains a lower network with an output layer on rows within [0, 1], whose scaling must not depend on
/// them (clipped, that is, to a range that is public). `start` is the network to begin with, of polynomial
/// activations alone; private_start() is a good one. The rows enter training less 1/2, where gradients tell
/// rows apart best; the answer takes them as they are. Throws as train_privately().
PrivatelyPretrained pretrain_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                                       const PrivacyOptions& options, const ProgressFunction& progress = {});

/// A lower network of this shape (activation a polynomial) to be trained privately: public random weights
/// under which features tell rows apart before any training, since noise leaves less to be learnt: the
/// convolution passes rows on as they are, and Dense layers keep lengths. Throws what check_shape refuses.
Network private_start(size_t input_width, const LowerShape& shape);

}  // namespace cryptotl
