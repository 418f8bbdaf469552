#include "learn/noisy_sum.h"

#include <cmath>

#include "cryptotl/base/number_text.h"

namespace cryptotl {
namespace {

constexpr double kRoundingShare = 1e-9;  // of the clipping norm, for what double precision rounds away

}  // namespace

NoisySum::NoisySum(const Seed& seed, size_t length, double clipping_norm, double noise_multiplier)
    : clipping_norm_(clipping_norm),
      row_limit_(clipping_norm),
      grid_(std::ldexp(clipping_norm * noise_multiplier, -kLogNoiseSteps)),
      noise_(seed) {
  if (noise_multiplier == 0) return;
  row_limit_ = clipping_norm * (1 - kRoundingShare) - grid_ * std::sqrt(static_cast<double>(length));
  if (row_limit_ > clipping_norm / 2) return;
  throw Error(ErrorCode::invalid_argument,
              "privacy: a noise multiplier of " + number_text(noise_multiplier) + " for " +
                  std::to_string(length) + " weights; at most " +
                  number_text(std::ldexp(0.5, kLogNoiseSteps) / std::sqrt(static_cast<double>(length))) +
                  " is possible");
}

void NoisySum::release(std::span<double> sum) {
  if (grid_ == 0) return;
  // A sum has at most rows times the clipping norm; in points of the grid that fits 63 bits by far.
  for (double& value : sum) value = grid_ * static_cast<double>(std::llround(value / grid_) + noise_.draw());
}

}  // namespace cryptotl
