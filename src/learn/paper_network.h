#pragma once

#include "trainer.h"

namespace cryptotl {

/// What is dropped after each layer of a lower_network() while it is trained: a share of what goes into its
/// last Dense.
std::vector<double> lower_dropout(const Network& lower);

/// The layers of the paper's upper network on `features` inputs, with its dropout: Dense features, ReLU,
/// MaxPool1D(3), Dropout 0.2, Dense 1 (or one output a class). Answers are logits. Throws invalid_argument
/// for fewer than 3 features.
Trainee paper_upper(size_t features, size_t classes, uint64_t seed);

/// The network with a Sigmoid or Softmax at its end: scores instead of logits.
Network with_scores(Network logits);

}  // namespace cryptotl
