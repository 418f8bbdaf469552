#include "cost.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/activation_circuit.h"

namespace cryptotl {
namespace {

// What a megabyte of keys is worth in time of a pass: they travel once and stay in memory.
constexpr double kNanosecondsAKeyByte = 0.02;

double real(size_t count) { return static_cast<double>(count); }

size_t ceil_divide(size_t a, size_t b) { return (a + b - 1) / b; }

PassCost cost_model(const LatencyPlan& plan, const KernelSpeeds& speeds) {
  return {speeds, plan.params.log_n, plan.params.special_primes.size()};
}

double matrix_nanoseconds(const PassCost& cost, const LatencyPlan& plan, size_t i) {
  const MatrixPlan& matrix = plan.matrices[i];
  double sum = cost.products(matrix.limbs, plan.packing.diagonals(i), matrix.baby_steps) +
               cost.mod_down(matrix.limbs, matrix.drop);
  for (const auto& fold : folds_of(plan.packing, i)) sum += cost.fold(matrix.limbs, fold.size());
  return sum;
}

}  // namespace

PassCost::PassCost(const KernelSpeeds& speeds, size_t log_n, size_t special_primes)
    : speeds_(speeds),
      n_(std::exp2(static_cast<double>(log_n))),
      log_n_(static_cast<double>(log_n)),
      special_(special_primes) {}

double PassCost::digits(size_t limbs) const { return real(ceil_divide(limbs, special_)); }
double PassCost::extended(size_t limbs) const { return real(limbs + special_); }
double PassCost::transforms(double count) const { return count * n_ * log_n_ * speeds_.transform; }
double PassCost::passes(double count) const { return count * n_ * speeds_.pass; }
double PassCost::key_words(size_t limbs) const { return 2 * n_ * digits(limbs) * extended(limbs); }
double PassCost::key_bytes(size_t limbs) const { return key_words(limbs) / 2 * 30 / 8; }

double PassCost::decomposition(size_t limbs) const {
  // A digit's own limbs are at hand.
  return transforms(digits(limbs) * extended(limbs)) + passes(real(limbs));
}

double PassCost::switching_transforms(size_t limbs) const {
  return transforms(extended(limbs) + digits(limbs) * extended(limbs)) + passes(2 * real(limbs));
}

double PassCost::mod_down(size_t limbs, size_t drop) const {
  return 2 * (transforms(extended(limbs)) + passes(real(limbs - drop + special_ * drop)));
}

double PassCost::products(size_t limbs, size_t diagonals, size_t baby_steps) const {
  const double babies = real(std::min(baby_steps, diagonals));
  const double giants = real(ceil_divide(diagonals, baby_steps));
  const double giant_step =
      switching_transforms(limbs) + key_words(limbs) * speeds_.cached_key + passes(4 * extended(limbs));
  return decomposition(limbs) + (babies - 1) * key_words(limbs) * speeds_.streamed_key +
         giants * babies * n_ * extended(limbs) * speeds_.diagonal + (giants - 1) * giant_step;
}

double PassCost::fold(size_t limbs, size_t keys) const {
  return switching_transforms(limbs) + real(keys) * key_words(limbs) * speeds_.streamed_key;
}

double PassCost::rescale_to_ntt(size_t limbs) const {
  return 2 * (transforms(real(limbs)) + passes(real(limbs)));
}

double PassCost::encryption_of_zero(size_t limbs) const {
  return transforms(3 * real(limbs)) + passes(4 * real(limbs));
}

double PassCost::rotations(size_t limbs, size_t decomposed, size_t count) const {
  return real(decomposed) * (transforms(real(limbs)) + decomposition(limbs)) +
         real(count) * (key_words(limbs) * speeds_.cached_key + passes(real(limbs)) + mod_down(limbs, 0));
}

double PassCost::rotated_sum(size_t limbs, size_t drop, size_t count) const {
  return real(count) * (transforms(real(limbs)) + decomposition(limbs) +
                        key_words(limbs) * speeds_.cached_key + passes(4 * real(limbs))) +
         mod_down(limbs, drop);
}

double PassCost::product(size_t limbs, size_t drop) const {
  return passes(8 * real(limbs)) + decomposition(limbs) + key_words(limbs) * speeds_.streamed_key +
         mod_down(limbs, drop);
}

std::vector<double> product_costs(const PassCost& cost, const ProgramPlan& plan, size_t i) {
  const std::vector<Register> registers = plan.registers(i);
  std::vector<double> out;
  for (const Product& product : activation_products(plan.activations[i].degree)) {
    const size_t limbs = std::min(registers[product.left].limbs, registers[product.right].limbs);
    out.push_back(cost.product(limbs, plan.activations[i].drops[product.depth - 1]));
  }
  return out;
}

double choose_splits(LatencyPlan& plan, const KernelSpeeds& speeds) {
  const PassCost cost = cost_model(plan, speeds);
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    MatrixPlan& matrix = plan.matrices[i];
    const double key = kNanosecondsAKeyByte * cost.key_bytes(matrix.limbs);
    size_t best = 1;
    double least = 0;
    for (matrix.baby_steps = 1; matrix.baby_steps <= kMaxBabySteps; ++matrix.baby_steps) {
      if (!valid_baby_steps(matrix.baby_steps, plan.packing.diagonals(i))) continue;
      const double found = matrix_nanoseconds(cost, plan, i) + real(matrix.baby_steps) * key;
      if (matrix.baby_steps == 1 || found < least) {
        least = found;
        best = matrix.baby_steps;
      }
    }
    matrix.baby_steps = best;
  }
  double keys = 0;
  for (const KeyRequest& request : required_keys(plan)) keys += cost.key_bytes(request.limbs);
  return pass_milliseconds(plan, speeds) * 1e6 + kNanosecondsAKeyByte * keys;
}

std::vector<double> step_costs(const LatencyPlan& plan, const KernelSpeeds& speeds) {
  const PassCost cost = cost_model(plan, speeds);
  std::vector<double> out;
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    out.push_back(matrix_nanoseconds(cost, plan, i) / 1e6);
    if (i == plan.activations.size()) break;
    for (const double product : product_costs(cost, plan, i)) out.push_back(product / 1e6);
  }
  return out;
}

double pass_milliseconds(const LatencyPlan& plan, const KernelSpeeds& speeds) {
  double sum = 0;
  for (const double step : step_costs(plan, speeds)) sum += step;
  return sum;
}

LatencyCost cost_of(const LatencyPlan& plan, const KernelSpeeds& speeds) {
  const ParamsPtr params = Params::create(plan.params).value();
  return {pass_milliseconds(plan, speeds), ciphertext_bytes(*params, 2, plan.top_limbs(), true),
          answer_bytes(*params, plan.answer_bits, plan.answer_dropped_bits),
          key_set_bytes(*params, required_keys(plan))};
}

}  // namespace cryptotl
