#include "latency_noise.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/noise.h"
#include "outline.h"

namespace cryptotl {
namespace {

constexpr double kDoublePrecision = 0x1p-51;  // of the encoder's transform, relative to root mean squares
constexpr double kOutputs = 128;              // of the noise beside outputs, the largest output
constexpr double kMargin = 4;                 // of it, over what doubles leave
constexpr double kLargestMatrixLog = 56;      // log2 of a matrix's largest entry times its scale

/// Variance, in key switchings, that giant steps, folds and the sum with the conjugate leave: a giant step
/// adds one, a fold doubles what is there and adds one, the conjugate doubles the real part and adds one.
double rotations_variance(const Packing& packing, size_t matrix, size_t baby_steps) {
  double variance = static_cast<double>((packing.diagonals(matrix) + baby_steps - 1) / baby_steps - 1);
  const auto fold = [&](size_t copies) {
    for (; copies > 1; copies /= 2) variance = 2 * variance + 1;
  };
  if (matrix == 0) {
    fold(packing.blocks());
    variance = 4 * variance + 1;
  } else if (matrix + 1 == packing.matrices()) {
    fold(packing.output_copies);
  }
  return variance;
}

}  // namespace

LatencyNoise::LatencyNoise(const FoldedNetwork& network, const WeightSizes& weights,
                           const Calibration& calibration, const Packing& packing, const PlanOptions& options)
    : NoiseModel(network, weights, calibration, {.log_n = packing.log_n, .primes = {}, .special_primes = {}}),
      packing_(packing) {
  const PrivacyGoal& goal = options.privacy;
  if (goal.statistical_bits == 0) return;
  const double share = shift_for(goal) / std::sqrt(2.0);
  flood_factor_ = privacy_shift(size_t{1} << packing.log_n, 1, 1) / share;
  const size_t last = network.maps.size() - 1;
  const double output = std::max({std::abs(calibration.output.low), std::abs(calibration.output.high), 1e-3});
  const double doubles = gains(last).diagonal_gain * kDoublePrecision * weight_mean_square(last);
  other_deviation_ = std::max(kOutputs * output, kMargin * flood_factor_ * doubles);
  other_share_ = options.precision / kTail / other_deviation_;
}

double LatencyNoise::wish(const ProgramPlan& plan, const NoiseSum& sum) const {
  return flood_factor_ * std::hypot(sum.evaluation_deviation(),
                                    other_share_ * diagonal_rounding(plan, plan.matrices.size() - 1));
}

// The first matrix adds the conjugate to halved diagonals, whose rounding is not halved.
double LatencyNoise::diagonal_rounding(const ProgramPlan& plan, size_t i) const {
  const double halves = i == 0 ? 2 : 1;
  return gains(i).diagonal_gain * std::hypot(halves * slot(encoding_noise()) / plan.matrices[i].scale,
                                             kDoublePrecision * weight_mean_square(i));
}

/// Diagonals are integers that the encoder takes, or such times a power of two.
double LatencyNoise::largest_matrix_log(size_t i) const {
  return (wide() ? kWideLog : kLargestMatrixLog) - std::ceil(std::log2(std::max(1.0, weight_limit(i))));
}

void LatencyNoise::add_matrix(const ProgramPlan& plan, size_t i, Encryption encryption, NoiseSum& sum) const {
  const MatrixPlan& matrix = plan.matrices[i];
  const double in = plan.matrix_input(i).scale;
  const double out = plan.matrix_output(i).scale;
  const double switched = key_switch(plan, matrix.limbs);
  if (i == 0) {
    const double fresh =
        encryption == Encryption::secret_key ? fresh_noise() : fresh_public_noise(dimension());
    sum.add(i, "encryption of the input",
            gains(i).input_gain * slot(std::hypot(fresh, encoding_noise())) / in, 1, Origin::input);
  }
  if (matrix.baby_steps > 1) sum.add(i, "baby steps", gains(i).input_gain * switched / in);
  sum.add(i, "rounding of the diagonals", diagonal_rounding(plan, i), 1, Origin::weights);
  sum.add(i, "giant steps and folds",
          gains(i).sum_gain * std::sqrt(rotations_variance(packing_, i, matrix.baby_steps)) * switched /
              (in * matrix.scale));
  sum.add(i, "rescale", gains(i).sum_gain * rounding() / out);
}

/// An output is a component of a slot, so its gain is 1.
void LatencyNoise::add_answer(const ProgramPlan& plan, NoiseSum& sum) const {
  sum.add(plan.matrices.size() - 1, "encryption of zero",
          slot(zero_noise(dimension())) / plan.output_scale());
}

}  // namespace cryptotl
