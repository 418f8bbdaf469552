#pragma once

#include <filesystem>

#include "cryptotl/base/digest.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {

/// The usual plan, by KernelSpeeds::reference(), unless that of options.speeds is quicker by a fifth at
/// these: so that servers on most machines, and one at every start, come to the same. Refuses as
/// plan_latency.
Result<LatencyPlan> plan_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                     const PlanOptions& options);

/// What a plan is made for: another model, precision or version of this program gets another plan.
Digest plan_wish(const Digest& model, const PlanOptions& options);

/// The plan that a server keeps for this wish. Clients' keys are made for a plan, and what is cheapest is
/// measured anew at every start, so a plan that was settled on before stays unless `best` is quicker by a
/// fifth. It is kept in FOLDER/plan-WISH.json; a file that cannot be used is replaced. Errors are those of
/// writing.
Result<LatencyPlan> settle_plan(const std::filesystem::path& folder, const Digest& wish,
                                const LatencyPlan& best, const KernelSpeeds& speeds);

}  // namespace cryptotl
