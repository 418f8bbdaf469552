#pragma once

#include <optional>

#include "cryptotl/learn/lower_shape.h"
#include "cryptotl/learn/training.h"

namespace cryptotl {

struct PretrainOptions {
  TrainingOptions training;
  /// Trained from its weights in the place of one of `shape`; its answer is the feature vector.
  std::optional<Network> network;
  LowerShape shape;
  /// The coefficients of every Polynomial of degree 2 or more are trained with the weights, one set a layer.
  /// They stay near those that they start from, so that what lies beyond the range does not explode:
  /// written in Chebyshev's polynomials on the range ([-4, 4]), each within half of the largest of the start,
  /// the leading one within a factor of 4 of its own, and all drawn to the start by a penalty.
  bool train_activation = false;
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
