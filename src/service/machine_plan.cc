#include "cryptotl/service/machine_plan.h"

namespace cryptotl {

Result<LatencyPlan> plan_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                     const PlanOptions& options) {
  auto best = plan_latency(network, calibration, options);
  if (!best.ok()) return best;
  PlanOptions usual_options = options;
  usual_options.speeds = KernelSpeeds::reference();
  auto usual = plan_latency(network, calibration, usual_options);
  const bool worthwhile = !usual.ok() || pass_milliseconds(*usual, options.speeds) >
                                             kWorthwhile * pass_milliseconds(*best, options.speeds);
  return worthwhile ? best : usual;
}

}  // namespace cryptotl
