#pragma once

#include "cryptotl/learn/training.h"

namespace cryptotl {

/// A network to be trained, with what acts on it during training only.
struct Trainee {
  Network network;  ///< initial weights; its answers are logits: 1 for two classes, else one a class
  std::vector<double> dropout;  ///< [layers] the share of a layer's answers that is dropped; empty: none
};

struct Trained {
  Network network;
  std::vector<Epoch> curve;
  Epoch best;  ///< the epoch whose weights were kept
};

/// Adam with decoupled weight decay on cross-entropy, in single precision. A Polynomial's input is drawn back
/// into kPolynomialRange by a penalty, since outside it the cubic no longer follows the ReLU and its values
/// (and the error of the encrypted answer) grow fast. Throws invalid_argument where labels, rows and network
/// do not fit, or where the loss is no longer finite.
Trained train(const Trainee& trainee, const Matrix& rows, std::span<const int> labels,
              const TrainingOptions& options, const ProgressFunction& progress);

/// Where the paper's cubic is meant to be used.
inline constexpr double kPolynomialRange = 4;

/// [outputs][inputs], uniform in +-1/sqrt(inputs) with the bias, as PyTorch does it.
Dense random_dense(size_t outputs, size_t inputs, uint64_t seed);

}  // namespace cryptotl
