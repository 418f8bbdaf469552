// What a batch takes: products of integers with residues, and about fifty transforms a hidden unit; with
// blocks, rotations.
#include "cost.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/rns/integer_matrix.h"

namespace cryptotl {
namespace {

// Nanoseconds a residue, as measured on one core of an Intel Emerald Rapids: they follow no kernel.
constexpr double kReadResidue = 3.0;       // check and unpack a row
constexpr double kExpandResidue = 2.6;     // of c_1
constexpr double kRotatedResidue = 1.0;    // laid out for a product, or reduced: few rows share that
constexpr double kAnswerCoefficient = 60;  // encryption of zero, switch and packing, besides their transforms

double real(size_t count) { return static_cast<double>(count); }

PassCost cost_model(const BatchPlan& plan, const KernelSpeeds& speeds) {
  return {speeds, plan.params.log_n, plan.params.special_primes.size()};
}

/// Of entries with residues, in all limbs of both parts.
double product_nanoseconds(const BatchPlan& plan, size_t i, const KernelSpeeds& speeds) {
  const double residues = 2 * real(plan.matrices[i].limbs * plan.slots());
  return residues * real(plan.widths[i]) * real(plan.widths[i + 1]) *
         (plan.narrow_entries ? speeds.multiply_add : speeds.wide_multiply_add);
}

/// Of the residues of 2B - 1 polynomials a block: two entries each, or one where primes are small.
double block_product_nanoseconds(const BatchPlan& plan, size_t i, const KernelSpeeds& speeds) {
  const bool whole = plan.params.primes.front() < kWholePrimeBound;
  return 2 * real(plan.matrices[i].limbs * plan.slots() * (2 * plan.block - 1)) *
         real(plan.rows(plan.widths[i + 1])) * real(plan.rows(plan.widths[i])) *
         (whole ? speeds.whole_multiply_add : 2 * speeds.multiply_add);
}

double matrix_nanoseconds(const BatchPlan& plan, size_t i, const KernelSpeeds& speeds) {
  if (!plan.has_blocks()) return product_nanoseconds(plan, i, speeds);
  const double products = block_product_nanoseconds(plan, i, speeds);
  const PassCost cost = cost_model(plan, speeds);
  const double rows = real(plan.rows(plan.widths[i]));
  const size_t baby = baby_steps(plan.block);
  const double moved =
      rows * real(2 * baby - 1) + real(2 * giant_steps(plan.block).size() * plan.rows(plan.widths[i + 1]));
  return products + kRotatedResidue * moved * 2 * real(plan.matrices[i].limbs * plan.slots()) +
         rows * cost.rotations(plan.matrices[i].limbs, baby / kRotationBase, baby - 1);
}

/// A row of a matrix's result, on its way out of it.
double result_nanoseconds(const BatchPlan& plan, size_t i, const PassCost& cost) {
  const MatrixPlan& matrix = plan.matrices[i];
  if (plan.has_blocks())
    return cost.rotated_sum(matrix.limbs, matrix.drop, giant_steps(plan.block).size() - 1);
  return i < plan.activations.size() ? cost.rescale_to_ntt(plan.matrix_output(i).limbs) : 0;
}

double activation_nanoseconds(const BatchPlan& plan, size_t i, const KernelSpeeds& speeds) {
  const PassCost cost = cost_model(plan, speeds);
  double unit = result_nanoseconds(plan, i, cost);
  for (const double product : product_costs(cost, plan, i)) unit += product;
  return real(plan.rows(plan.widths[i + 1])) * unit;
}

}  // namespace

std::vector<double> step_costs(const BatchPlan& plan, const KernelSpeeds& speeds) {
  const double n = real(plan.slots());
  const PassCost cost = cost_model(plan, speeds);
  const double residues = n * real(plan.input_rows() * plan.top_limbs());
  std::vector<double> out = {(kReadResidue + kExpandResidue) * residues / 1e6};
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    out.push_back(matrix_nanoseconds(plan, i, speeds) / 1e6);
    if (i < plan.activations.size()) out.push_back(activation_nanoseconds(plan, i, speeds) / 1e6);
  }
  const double answer = n * kAnswerCoefficient + cost.encryption_of_zero(plan.answer_limbs()) +
                        result_nanoseconds(plan, plan.matrices.size() - 1, cost);
  out.push_back(real(plan.output_rows()) * answer / 1e6);
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
  const double residues = real(plan.slots() * plan.input_rows() * plan.top_limbs());
  const double known =
      plan.has_blocks() ? 0 : kExpandResidue * residues / 1e6 + matrix_nanoseconds(plan, 0, speeds) / 2e6;
  return {all, all - known, plan.input_rows() * batch_row_bytes(*params, plan.top_limbs()),
          plan.output_rows() * answer_bytes(*params, plan.answer_bits, plan.answer_dropped_bits),
          key_set_bytes(*params, required_keys(plan))};
}

}  // namespace cryptotl
