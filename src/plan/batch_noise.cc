#include "batch_noise.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/noise.h"

namespace cryptotl {
namespace {

// As secret_tail(), for a product of two Gaussians without an end.
constexpr double kZeroTail = 33.0 / 8;

}  // namespace

double BatchNoise::largest_matrix_log(size_t i) const {
  return std::log2(largest_entry_ / std::max(weight_limit(i), 1e-9));
}

void BatchNoise::add_matrix(const ProgramPlan& plan, size_t i, Encryption, NoiseSum& sum) const {
  const MatrixPlan& matrix = plan.matrices[i];
  if (i == 0) {
    sum.add(i, "encryption of the input",
            gains(i).input_gain * slot(std::hypot(fresh_noise(), encoding_noise())) / plan.input_scale);
  }
  sum.add(i, "rounding of the entries", gains(i).diagonal_gain * encoding_noise() / matrix.scale);
  if (matrix.drop > 0)
    sum.add(i, "rescale", gains(i).sum_gain * rounding() / plan.matrix_output(i).scale, tail());
}

void BatchNoise::add_answer(const ProgramPlan& plan, NoiseSum& sum) const {
  const size_t last = plan.matrices.size() - 1;
  sum.add(last, "encryption of zero",
          gains(last).sum_gain * slot(zero_noise(dimension())) / plan.output_scale(), kZeroTail);
}

}  // namespace cryptotl
