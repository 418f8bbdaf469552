#pragma once

#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {

/// A plan is left for another one that takes this many times less.
inline constexpr double kWorthwhile = 1.2;

/// The plan by which a server runs a network where it keeps none yet: the usual one, by
/// KernelSpeeds::reference(), unless that of options.speeds is worthwhile at these: so that servers on most
/// machines, and one at every start, come to the same. Refuses as plan_latency.
Result<LatencyPlan> plan_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                     const PlanOptions& options);
/// The same for batches. Refuses as plan_batch.
Result<BatchPlan> plan_batches_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                           const PlanOptions& options);

/// What is compared: milliseconds of a pass, and of a sample in a full batch.
double running_cost(const LatencyPlan& plan, const KernelSpeeds& speeds);
double running_cost(const BatchPlan& plan, const KernelSpeeds& speeds);

}  // namespace cryptotl
