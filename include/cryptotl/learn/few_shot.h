#pragma once

#include "cryptotl/learn/head.h"

namespace cryptotl {

struct FewShotData {
  Matrix embeddings;       ///< [rows][width], not scaled
  Matrix features;         ///< [rows][features], from the provider's network
  Matrix random_features;  ///< the same from a network that was never trained; empty leaves that control out
  std::vector<int> labels;
  ProviderKnowledge provider;
};

struct FewShotOptions {
  std::vector<size_t> shots = {10, 20, 50, 100, 300};
  size_t draws = 50;
  double test_fraction = 0.3;
  uint64_t seed = 0;
  size_t threads = 0;  ///< 0: all of the machine's; the numbers do not depend on it
};

/// One head at one number of labels. Intervals are Student's t over the draws, 95 %.
struct FewShotRow {
  std::string head;  ///< "local", "linear", "combined", "auto", "random", "provider"
  size_t shots = 0;  ///< 0 for "provider": its own output layer, no labels at all
  double balanced_accuracy_mean = 0;
  double balanced_accuracy_deviation = 0;
  double difference_to_local_mean = 0, difference_to_local_low = 0, difference_to_local_high = 0;
};

struct FewShotReport {
  size_t test_rows = 0;
  size_t draws = 0;
  std::vector<FewShotRow> rows;
};

/// Balanced accuracy on a fixed stratified test set after training on few labels, at least two a class. All
/// heads see the same draws and get the same care. Numbers of labels beyond the rows left for training are
/// skipped. Throws invalid_argument where the data do not fit together.
FewShotReport few_shot(const FewShotData& data, const FewShotOptions& options = {},
                       const ProgressFunction& progress = {});

}  // namespace cryptotl
