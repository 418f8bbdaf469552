#pragma once

#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// The product of the first `limbs` primes.
double modulus_of(const ParamsSpec& params, size_t limbs);

/// The largest scale at which an answer cannot wrap around: a coefficient of the decrypted polynomial is at
/// most the mean absolute value of its slots.
double largest_output_scale(const ProgramPlan& plan);

}  // namespace cryptotl
