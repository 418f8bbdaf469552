#pragma once

#include "noise_model.h"

namespace cryptotl {

/// Sets the scales of the least predicted error for the plan's chain of primes, and returns its deviation;
/// infinity where none fits. The error is a sum of products of powers of the scales, hence convex in their
/// logarithms: going downhill finds its least value.
double choose_scales(const NoiseModel& noise, ProgramPlan& plan);

}  // namespace cryptotl
