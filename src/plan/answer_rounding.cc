#include "answer_rounding.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/switched_ciphertext.h"
#include "scales.h"

namespace cryptotl {
namespace {

constexpr double kShareOfRest = 0.25;     // adds 3 % to an error
constexpr double kShareOfModulus = 0.01;  // stands free on either side of the largest answers
constexpr double kTail = 8;               // deviations

size_t degree(const ProgramPlan& plan) {
  return noise_dimension(size_t{1} << plan.params.log_n, plan.params.ring);
}

/// Deviation of a coefficient, as a part of the modulus.
double relative_rounding(size_t n, size_t bits, size_t dropped) {
  return modulus_switch_noise(n, dropped) / std::exp2(bits);
}

/// How often the scale could be doubled before answers might wrap around.
size_t spare_bits(const ProgramPlan& plan) {
  size_t bits = 0;
  for (double scale = 2 * plan.output_scale(); scale <= largest_output_scale(plan); scale *= 2) ++bits;
  return std::min(bits, kMaxSwitchBits - kMaxSwitchedBits);
}

}  // namespace

double answer_rounding(const ProgramPlan& plan) {
  const size_t n = degree(plan);
  return secret_tail(plan.params.ring) *
         slot_deviation(modulus_switch_noise(n, plan.answer_dropped_bits), n, plan.params.ring) /
         plan.answer_scale();
}

bool rounding_may_wrap(const ProgramPlan& plan) {
  return kTail * relative_rounding(degree(plan), plan.answer_bits, plan.answer_dropped_bits) >
         kShareOfModulus;
}

bool noise_may_wrap(const ProgramPlan& plan, double output_deviation) {
  const double deviation = plan.coefficient_deviation(output_deviation) * std::exp2(plan.answer_spare_bits);
  return !(kTail * deviation <= kShareOfModulus * modulus_of(plan.params, plan.params.base_limbs));
}

void choose_answer(ProgramPlan& plan, double deviation, double most) {
  const size_t n = degree(plan);
  double limit = kShareOfRest * deviation;
  if (deviation < most) limit = std::min(limit, std::sqrt(most * most - deviation * deviation));
  plan.answer_bits = 0;
  plan.answer_spare_bits = spare_bits(plan);
  // The largest deviation of a coefficient, as a part of the modulus: the scale of 0 bits is that of a part.
  const double room = std::min(
      limit * plan.answer_scale() / (secret_tail(plan.params.ring) * slot_deviation(1, n, plan.params.ring)),
      kShareOfModulus / kTail);
  plan.answer_bits = kMaxSwitchedBits;
  plan.answer_dropped_bits = 0;
  std::pair<size_t, double> least = {2 * kMaxSwitchedBits + 1, 0};  // bits of both parts, then the rounding
  for (size_t bits = 1; bits <= kMaxSwitchedBits; ++bits) {
    for (size_t dropped = 0; dropped < bits; ++dropped) {
      const double rounding = relative_rounding(n, bits, dropped);
      if (rounding > room) break;
      const std::pair<size_t, double> cost = {2 * bits - dropped, rounding};
      if (cost >= least) continue;
      least = cost;
      plan.answer_bits = bits;
      plan.answer_dropped_bits = dropped;
    }
  }
}

}  // namespace cryptotl
