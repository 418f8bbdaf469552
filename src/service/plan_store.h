#pragma once

#include <filesystem>

#include "cryptotl/base/digest.h"
#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/plan/planner.h"

namespace cryptotl {

/// What a plan is made for: another model, precision or version of this program gets another plan.
Digest plan_wish(const Digest& model, const PlanOptions& options);
Digest batch_plan_wish(const Digest& model, const PlanOptions& options);

/// The plan that a server keeps for this wish. Clients' keys are made for a plan, and what is cheapest is
/// measured anew at every start, so a plan that was settled on before stays unless `best` is worthwhile
/// (machine_plan.h). It is kept in FOLDER/plan-WISH.json; a file that cannot be used is replaced. Errors are
/// those of writing.
Result<LatencyPlan> settle_plan(const std::filesystem::path& folder, const Digest& wish,
                                const LatencyPlan& best, const KernelSpeeds& speeds);
/// The same for batches: jobs go on after a restart, and what was worked ahead for a plan stays of use.
Result<BatchPlan> settle_plan(const std::filesystem::path& folder, const Digest& wish, const BatchPlan& best,
                              const KernelSpeeds& speeds);

}  // namespace cryptotl
