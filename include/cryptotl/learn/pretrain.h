#pragma once

#include <optional>

#include "cryptotl/learn/lower_shape.h"
#include "cryptotl/learn/training.h"
#include "cryptotl/network/approximation.h"

namespace cryptotl {

/// How activations that are no polynomials (Relu, Tanh, Sigmoid, Gelu) become ones.
struct ReplacementOptions {
  size_t degree = 3;            ///< at most; 2 to 7
  double margin = 0.05;         ///< by which a recorded range is widened on both sides, of its length
  size_t fine_tune_epochs = 5;  ///< at most, of the layers behind the first replaced one; 0: none
};

struct PretrainOptions {
  TrainingOptions training;
  /// Trained from its weights in the place of one of `shape`; its answer is the feature vector.
  std::optional<Network> network;
  LowerShape shape;
  /// The coefficients of every Polynomial of degree 2 or more are trained with the weights, one set a layer.
  /// They stay near those that they start from, so that what lies beyond the range does not explode:
  /// written in Chebyshev's polynomials on the range ([-4, 4]), each within half of the largest of the start,
  /// the leading one within a factor of 4 of its own, and all drawn to the start by a penalty.
  /// An activation that is replaced is trained after its replacement, on its own range.
  bool train_activation = false;
  ReplacementOptions replacement;
};

/// What another degree would have done on the same ranges, without fine-tuning.
struct DegreeComparison {
  size_t degree = 0;
  double max_error = 0;  ///< of the activation that suffers most
  Epoch with_polynomials;
};

/// What the replacement of activations did.
struct ActivationReplacement {
  std::vector<ReplacedActivation> activations;
  /// Loss and accuracy on the validation rows: with the functions, with the polynomials in their place, and
  /// after fine-tuning (as before it where that did no better).
  Epoch with_functions, with_polynomials, fine_tuned;
  std::vector<Epoch> curve;               ///< of the fine-tuning
  std::vector<DegreeComparison> degrees;  ///< 2 to 7
};

struct Pretrained {
  Network lower;
  Dense output_layer;  ///< [1][features] for two classes (a sigmoid gives class 1), else [classes][features]
  std::vector<Epoch> curve;
  double validation_loss = 0;  ///< of the weights that were kept
  double validation_accuracy = 0;
  std::vector<double> feature_mean, feature_deviation;  ///< [features] on all source rows
  std::optional<ActivationReplacement> replacement;     ///< where there were functions to replace
};

/// Trains a lower network with an output layer on labelled rows, scaled as they will be when it is served.
/// Labels are 0 .. classes - 1.
///
/// Activations of the lower network that are no polynomials are trained as they are, with their inputs drawn
/// into [-4, 4] as a polynomial's are: the narrower the range, the nearer a polynomial comes. Then each gives
/// way to the polynomial of least error on the range that its inputs have on all rows, and the layers behind
/// the first are trained on for a few epochs; what stands before it stays, and so does its range.
///
/// Throws invalid_argument where labels, rows, network or options do not fit, or where training runs into
/// numbers that are not finite.
Pretrained pretrain(const Matrix& scaled_rows, std::span<const int> labels,
                    const PretrainOptions& options = {}, const ProgressFunction& progress = {});

}  // namespace cryptotl
