#pragma once

#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

/// The part of cost_of() that needs no tables of the ring: for the planner's search.
double pass_milliseconds(const LatencyPlan& plan);

}  // namespace cryptotl
