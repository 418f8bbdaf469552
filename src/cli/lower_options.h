#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cryptotl/transfer/pretraining.h"

namespace cryptotl {

/// The lower network's layers and activation on the command line.
struct LowerOptions {
  std::string hidden, features, kernel, pool, activation, degree, fine_tune;
  bool train_activation = false;

  /// --hidden, --features, --kernel, --pool, --activation, --degree, --fine-tune, --train-activation.
  void define(CLI::App& verb);

  /// What they say, into the options of a pretraining; those that are not given leave theirs as it is. Throws
  /// invalid_argument, one line that names the option and what would be right, for a value that is none, for
  /// layers beside pretraining.network, which brings its own, and for what does not go together.
  void apply(PretrainingOptions& pretraining) const;

 private:
  void apply_replacement(PretrainingOptions& pretraining) const;
};

/// Throws what check_shape() refuses, with the option's name before it.
void require_shape(const PretrainingOptions& pretraining, size_t input_width);

}  // namespace cryptotl
