#pragma once

#include "trainer.h"

namespace cryptotl {

/// What is dropped after each layer of a lower_network() while it is trained: a share of what goes into its
/// last Dense.
std::vector<double> lower_dropout(const Network& lower);

/// The layers of the paper's upper network on `features` inputs, with its dropout: Dense features, ReLU,
/// MaxPool1D(3), Dropout 0.2, Dense 1 (or one output a class). Answers are logits. Throws invalid_argument
/// for fewer than 3 features.
///
/// It is trained in double precision, so that features through encryption give the head that plain ones give.
/// Where a unit comes within an error of the kink of its ReLU, or of its neighbour in the pooling, its
/// gradient jumps, and Adam makes a step of full size of it, from which trainings drift apart. One training
/// on features of the paper's width puts some 4e7 values before a kink. In single precision, numbers near 1
/// being 1e-7 apart, many of them are that close; where the features are wrong by 4e-11, hardly one is.
Trainee paper_upper(size_t features, size_t classes, uint64_t seed);

/// The network with a Sigmoid or Softmax at its end: scores instead of logits.
Network with_scores(Network logits);

}  // namespace cryptotl
