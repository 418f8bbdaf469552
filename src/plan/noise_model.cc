#include "noise_model.h"

#include <algorithm>
#include <cmath>

#include "answer_rounding.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/plan/activation_circuit.h"
#include "scales.h"

namespace cryptotl {
namespace {

constexpr double kRangeMargin = 0.25;  // spans of the calibrated range on either side
constexpr int kRangeSteps = 64;
constexpr double kBoundShare = 4;

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

}  // namespace

void NoiseSum::add(size_t layer, const char* name, double deviation, double tail, Origin origin) {
  variance_ += std::pow(tail * deviation, 2);
  if (origin == Origin::evaluation) evaluation_variance_ += std::pow(tail * deviation, 2);
  if (terms_ != nullptr) terms_->push_back({"layer " + std::to_string(layer + 1) + ": " + name, deviation});
}

double NoiseSum::deviation() const { return std::sqrt(variance_); }

double NoiseSum::evaluation_deviation() const { return std::sqrt(evaluation_variance_); }

WeightSizes::WeightSizes(const FoldedNetwork& network) {
  for (const AffineMap& map : network.maps) {
    mean_square.push_back(root_mean_square(map.weight));
    limits.push_back(largest_entry(map.weight));
  }
}

NoiseModel::NoiseModel(const FoldedNetwork& network, const WeightSizes& weights,
                       const Calibration& calibration, const ParamsSpec& params)
    : weights_(weights),
      calibration_(calibration),
      dimension_(noise_dimension(size_t{1} << params.log_n, params.ring)),
      slot_factor_(slot_deviation(1, dimension_, params.ring)),
      tail_(secret_tail(params.ring)) {
  for (size_t i = 0; i < network.activations.size(); ++i) {
    widths_.push_back(static_cast<double>(network.maps[i].weight.rows));
    register_limits_.push_back(limits(network.activations[i], calibration.layers[i].pre_activation));
    std::vector<std::vector<double>>& linear = linear_.emplace_back();
    for (const ProductTerms& terms : activation_terms(network.activations[i])) {
      linear.push_back(terms.linear);
    }
  }
}

double NoiseModel::rounding() const { return slot(rescale_noise(dimension_)); }

/// Per slot: digits uniform in (-d/2, d/2], one error each, divided by P of about d where they are full (what
/// is left over is smaller by a prime); and the rounding by which c_1 comes back from the extended basis.
double NoiseModel::key_switch(const ProgramPlan& plan, size_t limbs) const {
  const size_t full = limbs / plan.params.special_primes.size();
  const double digits = std::sqrt(static_cast<double>(full * dimension_) / 12) * kErrorDeviation;
  return slot(std::hypot(digits, rescale_noise(dimension_)));
}

void NoiseModel::add_activation(const ProgramPlan& plan, size_t i, NoiseSum& sum) const {
  const std::vector<double>& register_gains = gains(i).register_gains;
  const std::vector<Register> registers = plan.registers(i);
  const auto products = activation_products(plan.activations[i].degree);
  double variance = 0;
  double factors = 0;
  for (size_t p = 0; p < products.size(); ++p) {
    const Register& left = registers[products[p].left];
    const Register& right = registers[products[p].right];
    const double scale = left.scale * right.scale;
    const double switched = key_switch(plan, std::min(left.limbs, right.limbs)) / scale;
    variance += std::pow(register_gains[p] * std::hypot(rounding() / registers[p + 1].scale, switched), 2);
    // A linear factor is rounded to an integer, for all units alike: no deviation but a bound, so it takes
    // less of the tail by which deviations are multiplied.
    for (size_t k = 0; k < linear_[i][p].size(); ++k) {
      const double factor = linear_[i][p][k] * scale / registers[k].scale;
      const double wrong = std::abs(factor - std::round(factor)) * registers[k].scale / scale;
      factors += std::pow(register_gains[p] * register_limits_[i][k] * wrong / kBoundShare, 2) * widths_[i];
    }
  }
  sum.add(i, "products: key switching and rescale", std::sqrt(variance), tail());
  sum.add(i, "rounding of the linear factors", std::sqrt(factors), tail(), Origin::weights);
}

void NoiseModel::add_all(const ProgramPlan& plan, Encryption encryption, NoiseSum& sum) const {
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    add_matrix(plan, i, encryption, sum);
    if (i < plan.activations.size()) add_activation(plan, i, sum);
  }
  add_answer(plan, sum);
}

double NoiseModel::deviation(const ProgramPlan& plan, Encryption encryption) const {
  NoiseSum sum;
  add_all(plan, encryption, sum);
  return std::hypot(sum.deviation(), wish(plan, sum));
}

double NoiseModel::source_deviation(const ProgramPlan& plan, Encryption encryption) const {
  NoiseSum sum;
  add_all(plan, encryption, sum);
  return sum.deviation();
}

double NoiseModel::evaluation_deviation(const ProgramPlan& plan) const {
  NoiseSum sum;
  add_all(plan, Encryption::secret_key, sum);
  return sum.evaluation_deviation();
}

std::vector<NoiseTerm> NoiseModel::terms(const ProgramPlan& plan, Encryption encryption) const {
  std::vector<NoiseTerm> out;
  NoiseSum sum(&out);
  add_all(plan, encryption, sum);
  out.push_back({"rounding of the answer", answer_rounding(plan) / tail()});
  return out;
}

}  // namespace cryptotl
