#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cryptotl/base/matrix.h"
#include "cryptotl/base/progress.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

/// Adam on minibatches with early stopping on a stratified validation split. Each training computes on one
/// thread, so the same options and rows give the same numbers on the same kind of processor.
struct TrainingOptions {
  size_t epochs = 30;
  size_t batch = 64;
  /// Epochs without a better validation loss before training stops; the best epoch's weights are kept.
  size_t patience = 4;
  double learning_rate = 1e-3;
  double weight_decay = 0.01;  ///< decoupled: a step shrinks weights by learning_rate times this
  double validation_fraction = 0.1;
  uint64_t seed = 0;
};

/// One epoch of a learning curve.
struct Epoch {
  double train_loss = 0;  ///< mean over the epoch's batches, dropout on
  double validation_loss = 0;
  double validation_accuracy = 0;
};

}  // namespace cryptotl
