#pragma once

#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// The deviation of the Gaussian noise that answers get beside all other noise, of which there is `sources`:
/// as wide as that, and wider where errors stay below half of the precision; up to `room`, the deviation that
/// the precision leaves.
double flood_for_room(double sources, double room);

inline constexpr const char* kFloodTerm = "Gaussian noise that floods these";
/// Adds to a plan's terms what was chosen and not predicted, before the rounding of the answer.
void add_chosen_term(ProgramPlan& plan, const char* name, double deviation);

}  // namespace cryptotl
