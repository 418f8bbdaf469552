#pragma once

#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// Rounding meets the secret, slot by slot. In the conjugate-invariant ring a slot of the secret is real and,
/// up to kSecretSlotBound deviations where it ends, near a Gaussian, and so is the other factor: their
/// product leaves 27 deviations as rarely (2^-50) as a Gaussian leaves 8. Deviations of such noise count so
/// many times where a bound is made of all.
double secret_tail(Ring ring);

/// The product of the first `limbs` primes.
double modulus_of(const ParamsSpec& params, size_t limbs);

/// The largest scale at which an answer cannot wrap around: a coefficient of the decrypted polynomial is at
/// most the mean absolute value of its slots.
double largest_output_scale(const ProgramPlan& plan);

}  // namespace cryptotl
