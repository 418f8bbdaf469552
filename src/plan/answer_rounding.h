#pragma once

#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// The deviation that the switch of the answer adds to every output, secret_tail() times. An output is a
/// component of a slot, so its gain is 1.
double answer_rounding(const ProgramPlan& plan);

/// True where that rounding may carry an answer beyond the room that largest_output_scale() leaves.
bool rounding_may_wrap(const ProgramPlan& plan);
/// The same of Gaussian noise of this deviation in every output.
bool noise_may_wrap(const ProgramPlan& plan, double output_deviation);

/// Sets the bits of the smallest answer whose rounding is at most a quarter of `deviation`, that of the rest,
/// and with it at most `most` where `deviation` alone is below; those of the largest answer where none is.
void choose_answer(ProgramPlan& plan, double deviation, double most);

}  // namespace cryptotl
