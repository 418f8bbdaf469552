#include "cryptotl/service/machine_plan.h"

namespace cryptotl {
namespace {

template <typename Plan>
Result<Plan> usual_or_best(Result<Plan> (*planner)(const FoldedNetwork&, const Calibration&,
                                                   const PlanOptions&),
                           const FoldedNetwork& network, const Calibration& calibration,
                           const PlanOptions& options) {
  auto best = planner(network, calibration, options);
  if (!best.ok()) return best;
  PlanOptions usual_options = options;
  usual_options.speeds = KernelSpeeds::reference();
  auto usual = planner(network, calibration, usual_options);
  const bool worthwhile =
      !usual.ok() || running_cost(*usual, options.speeds) > kWorthwhile * running_cost(*best, options.speeds);
  return worthwhile ? best : usual;
}

}  // namespace

double running_cost(const LatencyPlan& plan, const KernelSpeeds& speeds) {
  return pass_milliseconds(plan, speeds);
}

double running_cost(const BatchPlan& plan, const KernelSpeeds& speeds) {
  return batch_milliseconds(plan, speeds) / static_cast<double>(plan.samples());
}

Result<LatencyPlan> plan_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                     const PlanOptions& options) {
  return usual_or_best<LatencyPlan>(plan_latency, network, calibration, options);
}

Result<BatchPlan> plan_batches_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                           const PlanOptions& options) {
  return usual_or_best<BatchPlan>(plan_batch, network, calibration, options);
}

}  // namespace cryptotl
