#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cryptotl/transfer/pretraining.h"

namespace cryptotl {

/// The lower network's layers and activation on the command line.
struct LowerOptions {
  std::string hidden, features, kernel, pool, activation;
  bool train_activation = false;

  /// --hidden, --features, --kernel, --pool, --activation, --train-activation.
  void define(CLI::App& verb);

  /// What they say, into the options of a pretraining; those that are not given leave theirs as it is. Throws
  /// invalid_argument, one line that names the option and what would be right, for a value that is none, and
  /// for layers beside `network` (pretraining.network, which brings its own).
  void apply(PretrainingOptions& pretraining) const;
};

/// Throws what check_shape() refuses, with the option's name before it.
void require_shape(const PretrainingOptions& pretraining, size_t input_width);

}  // namespace cryptotl
