#pragma once

#include "learn/training_backend.h"

namespace cryptotl {

/// TrainingBackend::train().
Trained train_with_torch(const Trainee& trainee, const TrainingRows& data, const TrainingOptions& options,
                         const ProgressFunction& progress);

}  // namespace cryptotl
