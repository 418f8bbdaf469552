#include "noise_model.h"

#include <algorithm>
#include <cmath>

#include "answer_rounding.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/plan/activation_circuit.h"

namespace cryptotl {
namespace {

constexpr double kRangeMargin = 0.25;  // spans of the calibrated range on either side
constexpr int kRangeSteps = 64;
constexpr double kBoundShare = 4;
constexpr double kDoublePrecision = 0x1p-51;  // of the encoder's transform, relative to root mean squares

ValueRange v_range(const FoldedActivation& activation, const ValueRange& u) {
  const double margin = kRangeMargin * (u.high - u.low);
  return {activation.inner_scale * (u.low - margin - activation.inner_shift),
          activation.inner_scale * (u.high + margin - activation.inner_shift)};
}

std::vector<double> limits(const FoldedActivation& activation, const ValueRange& u) {
  const ValueRange v = v_range(activation, u);
  std::vector<double> out;
  for (int step = 0; step <= kRangeSteps; ++step) {
    const auto registers = activation_registers(activation, v.low + (v.high - v.low) * step / kRangeSteps);
    out.resize(registers.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = std::max(out[i], std::abs(registers[i]));
  }
  return out;
}

double root_mean_square(const Matrix& matrix) {
  double sum = 0;
  for (const double value : matrix.values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(1, matrix.values.size())));
}

double largest_entry(const Matrix& matrix) {
  double largest = 0;
  for (const double value : matrix.values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// Variance, in key switchings, that giant steps, folds and the sum with the conjugate leave: a giant step
/// adds one, a fold doubles what is there and adds one, the conjugate doubles the real part and adds one.
double rotations_variance(const LatencyPlan& plan, size_t matrix) {
  const Packing& packing = plan.packing;
  const size_t baby_steps = plan.matrices[matrix].baby_steps;
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

NoiseModel::NoiseModel(const FoldedNetwork& network, const Calibration& calibration, const LatencyPlan& plan)
    : calibration_(calibration),
      n_(std::exp2(static_cast<double>(plan.params.log_n))),
      root_half_n_(std::sqrt(n_ / 2)) {
  for (size_t i = 0; i < network.maps.size(); ++i) {
    weight_mean_square_.push_back(root_mean_square(network.maps[i].weight));
    weight_limits_.push_back(largest_entry(network.maps[i].weight));
  }
  for (size_t i = 0; i < network.activations.size(); ++i) {
    register_limits_.push_back(limits(network.activations[i], calibration.layers[i].pre_activation));
    std::vector<std::vector<double>>& linear = linear_.emplace_back();
    for (const ProductTerms& terms : activation_terms(network.activations[i])) {
      linear.push_back(terms.linear);
    }
  }
}

/// Per slot: digits uniform in (-d/2, d/2], one error each, divided by P of about d where they are full (what
/// is left over is smaller by 2^30); and the rounding by which c_1 comes back from the extended basis.
double NoiseModel::key_switch(const LatencyPlan& plan, size_t limbs) const {
  const size_t full = limbs / plan.params.special_primes.size();
  const double digits = std::sqrt(static_cast<double>(full) * n_ / 12) * kErrorDeviation;
  return slot(std::hypot(digits, rescale_noise(static_cast<size_t>(n_))));
}

template <typename Visit>
void NoiseModel::visit_matrix(const LatencyPlan& plan, size_t i, Encryption encryption,
                              const Visit& add) const {
  const LayerCalibration& gains = calibration_.layers[i];
  const MatrixPlan& matrix = plan.matrices[i];
  const double in = plan.matrix_input(i).scale;
  const double out = plan.matrix_output(i).scale;
  const double switched = key_switch(plan, matrix.limbs);
  const double rounding = slot(rescale_noise(static_cast<size_t>(n_)));
  if (i == 0) {
    const double fresh =
        encryption == Encryption::secret_key ? fresh_noise() : fresh_public_noise(static_cast<size_t>(n_));
    add(i, "encryption of the input", gains.input_gain * slot(std::hypot(fresh, encoding_noise())) / in);
  }
  if (matrix.baby_steps > 1) add(i, "baby steps", gains.input_gain * switched / in);
  // The first matrix adds the conjugate to halved diagonals, whose rounding is not halved.
  const double halves = i == 0 ? 2 : 1;
  add(i, "rounding of the diagonals",
      gains.diagonal_gain * std::hypot(halves * slot(encoding_noise()) / matrix.scale,
                                       kDoublePrecision * weight_mean_square_[i]));
  add(i, "giant steps and folds",
      gains.sum_gain * std::sqrt(rotations_variance(plan, i)) * switched / (in * matrix.scale));
  add(i, "rescale", gains.sum_gain * rounding / out);
}

template <typename Visit>
void NoiseModel::visit_activation(const LatencyPlan& plan, size_t i, const Visit& add) const {
  const std::vector<double>& gains = calibration_.layers[i].register_gains;
  const std::vector<Register> registers = plan.registers(i);
  const auto products = activation_products(plan.activations[i].degree);
  const double rounding = slot(rescale_noise(static_cast<size_t>(n_)));
  double variance = 0;
  for (size_t p = 0; p < products.size(); ++p) {
    const Register& left = registers[products[p].left];
    const Register& right = registers[products[p].right];
    const double scale = left.scale * right.scale;
    const double switched = key_switch(plan, std::min(left.limbs, right.limbs)) / scale;
    variance += std::pow(gains[p] * std::hypot(rounding / registers[p + 1].scale, switched), 2);
    // A linear factor is rounded to an integer, for all units alike: no deviation but a bound, so it takes
    // less of the tail by which deviations are multiplied.
    for (size_t k = 0; k < linear_[i][p].size(); ++k) {
      const double factor = linear_[i][p][k] * scale / registers[k].scale;
      const double wrong = std::abs(factor - std::round(factor)) * registers[k].scale / scale;
      variance += std::pow(gains[p] * register_limits_[i][k] * wrong / kBoundShare, 2) *
                  static_cast<double>(plan.packing.widths[i + 1]);
    }
  }
  add(i, "products: key switching and rescale", std::sqrt(variance));
}

template <typename Visit>
void NoiseModel::visit(const LatencyPlan& plan, Encryption encryption, const Visit& add) const {
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    visit_matrix(plan, i, encryption, add);
    if (i < plan.activations.size()) visit_activation(plan, i, add);
  }
}

double NoiseModel::deviation(const LatencyPlan& plan, Encryption encryption) const {
  double sum = 0;
  visit(plan, encryption, [&](size_t, const char*, double deviation) { sum += deviation * deviation; });
  return std::sqrt(sum);
}

std::vector<NoiseTerm> NoiseModel::terms(const LatencyPlan& plan, Encryption encryption) const {
  std::vector<NoiseTerm> out;
  visit(plan, encryption, [&](size_t layer, const char* name, double deviation) {
    out.push_back({"layer " + std::to_string(layer + 1) + ": " + name, deviation});
  });
  out.push_back({"rounding of the answer", answer_rounding(plan)});
  return out;
}

}  // namespace cryptotl
