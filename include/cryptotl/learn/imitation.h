#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/network/network.h"

namespace cryptotl {

struct ImitationOptions {
  /// Standard deviation of Gaussian noise in every feature of an answer, in the features' units, as servers
  /// add it on request (docs/security.md).
  double noise = 0;
  double agreement = 0.95;  ///< of labels on rows that were not asked for: what counts as a copy
  uint64_t seed = 0;        ///< of the noise
};

struct ImitationPoint {
  size_t queries = 0;
  double agreement = 0;      ///< share of held-out rows with the original's label
  double feature_error = 0;  ///< root mean square, over the features' own root mean square deviation
};

struct Imitation {
  std::vector<ImitationPoint> curve;  ///< at 4, 6, 8, 11, 16, ... queries, and at all
  /// The first of these numbers from which on all copies agree; nothing where none does.
  std::optional<size_t> queries;
};

/// Extraction of a model by queries (Tramer, Zhang, Juels, Reiter and Ristenpart, "Stealing Machine Learning
/// Models via Prediction APIs", arXiv 1609.02943): a client asks for the features of `queries`, one row after
/// the other, and fits a copy, which answers `held_out`. The copy is kernel ridge regression with the kernel
/// (1 + x y)^3 on rows about their mean at a mean square length of 1, which holds every network of one hidden
/// layer with a cubic; its penalty is the one of five that does best on the last fifth of the answers. Labels
/// are what the output layer calls. Throws invalid_argument for fewer than 4 queries, no held-out rows, or
/// widths that do not fit.
Imitation imitate(const Network& lower, const Dense& output_layer, const Matrix& queries,
                  const Matrix& held_out, const ImitationOptions& options,
                  const ProgressFunction& progress = {});

}  // namespace cryptotl
