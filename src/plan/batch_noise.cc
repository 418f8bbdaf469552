#include "batch_noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cryptotl/ckks/noise.h"

namespace cryptotl {
namespace {

// As secret_tail(), for a product of two Gaussians without an end.
constexpr double kZeroTail = 33.0 / 8;
constexpr double kLargestBlockEntry = 0x1p50;  // of polynomials, which doubles hold exactly

/// How many slots of the hidden layer before a matrix share in an output evenly, at least: in how many
/// degrees of freedom the squares of the secret's slots come together there.
double mixed_slots(const AffineMap& map, size_t block) {
  double least = static_cast<double>(block);
  for (size_t row = 0; row < map.weight.rows; ++row) {
    std::vector<double> shares(block);
    for (size_t c = 0; c < map.weight.cols; ++c) shares[c % block] += std::pow(map.weight(row, c), 2);
    double sum = 0, squares = 0;
    for (const double share : shares) {
      sum += share;
      squares += share * share;
    }
    if (squares > 0) least = std::min(least, sum * sum / squares);
  }
  // How much of an output's error comes from which unit depends on the input, too.
  constexpr double kUneven = 4;
  const double units = static_cast<double>(map.weight.cols) / static_cast<double>(block);
  return std::max(1.0, least / (1 + kUneven / units));
}

/// As secret_tail(), for noise that meets the secret in k slots and is added up over them: g sqrt(x / k) with
/// a Gaussian g and x of k degrees of freedom. By the largest term of the integral over x = k c, such noise
/// leaves sqrt(k c (c - 1)) deviations with probability exp(-k/2 (2 (c - 1) - ln c)), which is 2^-50 as for
/// the others.
double mixed_tail(double k) {
  const double wanted = 50 * std::numbers::ln2 * 2 / k;
  double low = 1, high = 1 + wanted;
  for (int i = 0; i < 60; ++i) {
    const double c = (low + high) / 2;
    (2 * (c - 1) - std::log(c) < wanted ? low : high) = c;
  }
  return std::sqrt(k * low * (low - 1)) / 8;
}

}  // namespace

BatchNoise BatchNoise::with_blocks(const FoldedNetwork& network, const WeightSizes& weights,
                                   const Calibration& calibration, const ParamsSpec& params, size_t block) {
  BatchNoise out(network, weights, calibration, params, kLargestBlockEntry);
  out.block_ = block;
  // What arises before the last matrix meets the secret in all slots of a block.
  double slots = static_cast<double>(block);
  for (size_t i = 1; i < network.maps.size(); ++i)
    slots = std::min(slots, mixed_slots(network.maps[i], block));
  out.set_tail(std::min(out.own_tail_, mixed_tail(slots)));
  return out;
}

double BatchNoise::largest_matrix_log(size_t i) const {
  return std::log2(largest_entry_ / std::max(weight_limit(i), 1e-9));
}

/// Of an integer, or of a polynomial's slots: of its B coefficients all but one stand twice, and an input
/// meets two polynomials, for the output's block and for the one before.
double BatchNoise::entry_rounding() const {
  if (block_ == 1) return encoding_noise();
  return std::sqrt(2.0 * static_cast<double>(2 * block_ - 1)) * encoding_noise();
}

void BatchNoise::add_matrix(const ProgramPlan& plan, size_t i, Encryption, NoiseSum& sum) const {
  const MatrixPlan& matrix = plan.matrices[i];
  if (i == 0) {
    sum.add(i, "encryption of the input",
            gains(i).input_gain * slot(std::hypot(fresh_noise(), encoding_noise())) / plan.input_scale, 1,
            Origin::input);
  }
  sum.add(i, "rounding of the entries", gains(i).diagonal_gain * entry_rounding() / matrix.scale, 1,
          Origin::weights);
  if (block_ > 1) {
    // A row is rotated as often as its baby step has digits, all sums of a row but one by their giant steps.
    const double in = plan.matrix_input(i).scale;
    const double switched = key_switch(plan, matrix.limbs);
    const double digits =
        std::ceil(std::log(static_cast<double>(baby_steps(block_))) / std::log(double{kRotationBase}) - 1e-9);
    const auto rotated_sums = static_cast<double>(giant_steps(block_).size() - 1);
    sum.add(i, "rotations of rows", gains(i).input_gain * std::sqrt(digits) * switched / in, own_tail_);
    sum.add(i, "rotations of sums",
            gains(i).sum_gain * std::sqrt(rotated_sums) * switched / (in * matrix.scale), own_tail_);
  }
  if (matrix.drop > 0) {
    const bool last = i + 1 == plan.matrices.size();
    sum.add(i, "rescale", gains(i).sum_gain * rounding() / plan.matrix_output(i).scale,
            last ? own_tail_ : tail());
  }
}

void BatchNoise::add_answer(const ProgramPlan& plan, NoiseSum& sum) const {
  const size_t last = plan.matrices.size() - 1;
  sum.add(last, "encryption of zero",
          gains(last).sum_gain * slot(zero_noise(dimension())) / plan.output_scale(), kZeroTail);
}

}  // namespace cryptotl
