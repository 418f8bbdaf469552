#include "scales.h"

namespace cryptotl {

double secret_tail(Ring ring) { return ring == Ring::cyclotomic ? 1.0 : 27.0 / 8; }

double modulus_of(const ParamsSpec& params, size_t limbs) {
  double product = 1;
  for (size_t i = 0; i < limbs; ++i) product *= params.primes[i];
  return product;
}

double largest_output_scale(const ProgramPlan& plan) {
  return 0.98 * modulus_of(plan.params, plan.params.base_limbs) / 2 / plan.slot_limit;
}

}  // namespace cryptotl
