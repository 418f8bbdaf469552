#pragma once

#include "learn/training_backend.h"

namespace cryptotl {

/// TrainingBackend::descend_privately().
Network descend_with_torch(const Network& start, const Matrix& rows, std::span<const int> labels,
                           const PrivacyOptions& options, const PrivacySpent& spent,
                           const ProgressFunction& progress);

}  // namespace cryptotl
