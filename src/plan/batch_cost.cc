// What a batch takes: products of integers with residues, and about fifty transforms a hidden unit.
#include "cost.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/batch_plan.h"

namespace cryptotl {
namespace {

// Nanoseconds a residue, as measured on one core of an Intel Emerald Rapids: they follow no kernel.
constexpr double kReadResidue = 3.0;       // check and unpack a row
constexpr double kExpandResidue = 2.6;     // of c_1
constexpr double kAnswerCoefficient = 60;  // encryption of zero, switch and packing, besides their transforms

double real(size_t count) { return static_cast<double>(count); }

double matrix_nanoseconds(const BatchPlan& plan, size_t i, const KernelSpeeds& speeds) {
  const double entries = real(plan.widths[i]) * real(plan.widths[i + 1]);
  const double speed = plan.narrow_entries ? speeds.multiply_add : speeds.wide_multiply_add;
  return 2 * real(plan.matrices[i].limbs) * entries * real(plan.samples()) * speed;
}

double activation_nanoseconds(const BatchPlan& plan, size_t i, const KernelSpeeds& speeds) {
  const PassCost cost(speeds, plan.params.log_n, plan.params.special_primes.size());
  double unit = cost.rescale_to_ntt(plan.matrix_output(i).limbs);
  for (const double product : product_costs(cost, plan, i)) unit += product;
  return real(plan.widths[i + 1]) * unit;
}

}  // namespace

std::vector<double> step_costs(const BatchPlan& plan, const KernelSpeeds& speeds) {
  const double n = real(plan.samples());
  const PassCost cost(speeds, plan.params.log_n, plan.params.special_primes.size());
  const double residues = n * real(plan.input_width() * plan.top_limbs());
  std::vector<double> out = {(kReadResidue + kExpandResidue) * residues / 1e6};
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    out.push_back(matrix_nanoseconds(plan, i, speeds) / 1e6);
    if (i < plan.activations.size()) out.push_back(activation_nanoseconds(plan, i, speeds) / 1e6);
  }
  const double answer = n * kAnswerCoefficient + cost.encryption_of_zero(plan.answer_limbs());
  out.push_back(real(plan.output_width()) * answer / 1e6);
  return out;
}

double batch_milliseconds(const BatchPlan& plan, const KernelSpeeds& speeds) {
  double sum = 0;
  for (const double step : step_costs(plan, speeds)) sum += step;
  return sum;
}

BatchCost cost_of(const BatchPlan& plan, const KernelSpeeds& speeds) {
  const ParamsPtr params = Params::create(plan.params).value();
  const double all = batch_milliseconds(plan, speeds);
  const double residues = real(plan.samples() * plan.input_width() * plan.top_limbs());
  const double known = kExpandResidue * residues / 1e6 + matrix_nanoseconds(plan, 0, speeds) / 2e6;
  return {all, all - known, plan.input_width() * batch_row_bytes(*params, plan.top_limbs()),
          plan.output_width() * answer_bytes(*params, plan.answer_bits, plan.answer_dropped_bits),
          evaluation_key_bytes(*params, required_keys(plan)) + public_key_bytes(*params)};
}

}  // namespace cryptotl
