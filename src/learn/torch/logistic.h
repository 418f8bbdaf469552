#pragma once

#include "learn/training_backend.h"

namespace cryptotl {

/// TrainingBackend's methods of these names.
LogisticWeights fit_with_torch(const LogisticData& data, double C);
std::unique_ptr<PenaltyFits> penalty_fits_with_torch(const LogisticData& data, std::span<const Split> folds);

}  // namespace cryptotl
