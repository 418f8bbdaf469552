#pragma once

#include <optional>

#include "cryptotl/learn/training.h"

namespace cryptotl {

/// The paper's polynomial in place of ReLU (arXiv 2205.11935).
inline const Polynomial kPaperCubic{{0.49383, 0.59259, 0.092593, -0.0061728}};

/// The paper's lower network without weights trained: Conv1D(9), Dense width, `activation`, AveragePool1D(3),
/// Dense width - 2. Random weights from `seed`; it serves as the control of experiments, too.
Network paper_lower(size_t input_width, uint64_t seed, const Layer& activation = kPaperCubic);

struct PretrainOptions {
  TrainingOptions training;
  /// Trained from its weights instead of the paper's network; its answer is the feature vector.
  std::optional<Network> network;
};

struct Pretrained {
  Network lower;
  Dense output_layer;  ///< [1][features] for two classes (a sigmoid gives class 1), else [classes][features]
  std::vector<Epoch> curve;
  double validation_loss = 0;  ///< of the weights that were kept
  double validation_accuracy = 0;
  std::vector<double> feature_mean, feature_deviation;  ///< [features] on all source rows
};

/// Trains a lower network with an output layer on labelled rows, scaled as they will be when it is served.
/// Labels are 0 .. classes - 1. Throws invalid_argument where they, the rows or the network do not fit, or
/// where training runs into numbers that are not finite.
Pretrained pretrain(const Matrix& scaled_rows, std::span<const int> labels,
                    const PretrainOptions& options = {}, const ProgressFunction& progress = {});

}  // namespace cryptotl
