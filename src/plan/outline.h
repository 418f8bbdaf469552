#pragma once

#include <string>

#include "cryptotl/plan/planner.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

// A Gaussian leaves 8 deviations with probability 1.3e-15, so one of 1,024 outputs does with less than
// 2^-39.5.
inline constexpr double kTail = 8.0;
/// Answers may be this much larger than any seen on the source.
inline constexpr double kOutputMargin = 2.0;

/// What a plan has before its chain and scales: steps without primes, ranges, limits of outputs.
void begin_outline(ProgramPlan& plan, const FoldedNetwork& network, const Calibration& calibration);

/// invalid_argument for a precision that nobody can ask for, and for a calibration of another network.
Status check_wish(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options);

/// Why no plan was found, and which precision can be had: that of `nearest`, where there is one.
std::string nothing_reaches(double precision, const Calibration& calibration, const ProgramPlan* nearest);

}  // namespace cryptotl
