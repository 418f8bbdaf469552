#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cryptotl/base/error.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// The members of a plan's JSON that every program has.
nlohmann::json program_json(const ProgramPlan& plan);
/// Reads them; throws on missing or mistyped ones.
void read_program_json(const nlohmann::json& json, ProgramPlan& plan);
/// What a client must not take on trust from a server: secure parameters, a chain of primes that the steps
/// use up, scales and ranges in bounds, answers that do not wrap around.
Status check_program(const ProgramPlan& plan);
/// That they do not with Gaussian noise of this deviation in every output, and that it can be drawn.
Status check_added_noise(const ProgramPlan& plan, double output_deviation);

}  // namespace cryptotl
