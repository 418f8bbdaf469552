#pragma once

#include <optional>

#include "cryptotl/learn/training.h"
#include "trainable_polynomial.h"

namespace cryptotl {

/// Of the squared distances of activations' inputs to their ranges, in the loss.
inline constexpr double kOverrunPenalty = 1e-2;

/// A network to be trained, with what acts on it during training only.
struct Trainee {
  Network network;  ///< initial weights; its answers are logits: 1 for two classes, else one a class
  std::vector<double> dropout;  ///< [layers] the share of a layer's answers that is dropped; empty: none
  /// [layers] where a layer's input is drawn back into; empty: kPaperRange for every Polynomial.
  std::vector<std::optional<PolynomialRange>> ranges = {};
  /// Coefficients of Polynomials with a range are trained too, within the bounds of keep_near().
  bool train_polynomials = false;
  size_t frozen = 0;            ///< the first so many layers stay as they are
  bool may_keep_start = false;  ///< the initial weights are kept where no epoch does better
  /// Computes in double precision, which takes twice as long, so that rows that differ by little give weights
  /// that differ by little (paper_upper).
  bool double_precision = false;
};

struct Trained {
  Network network;
  std::vector<Epoch> curve;
  Epoch best;  ///< the epoch whose weights were kept
};

/// Adam with decoupled weight decay on cross-entropy. A Polynomial's input is drawn back
/// into its range by a penalty, since outside it the cubic no longer follows the ReLU and its values (and the
/// error of the encrypted answer) grow fast. Trained coefficients are drawn towards their start by another
/// penalty; weight decay would draw them to 0. Throws invalid_argument where labels, rows and network
/// do not fit, or where the loss is no longer finite.
Trained train(const Trainee& trainee, const Matrix& rows, std::span<const int> labels,
              const TrainingOptions& options, const ProgressFunction& progress);

/// Loss and accuracy, in double precision, on the rows that train() holds out with these options.
Epoch validate_on_held_out(const Network& logits, const Matrix& rows, std::span<const int> labels,
                           const TrainingOptions& options);

/// [outputs][inputs], uniform in +-1/sqrt(inputs) with the bias, as PyTorch does it.
Dense random_dense(size_t outputs, size_t inputs, uint64_t seed);

}  // namespace cryptotl
