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
  return cost.matrix(matrix.limbs, matrix.drop, plan.packing.diagonals(i), matrix.baby_steps,
                     folds_of(plan.packing, i));
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

double PassCost::giant_step(size_t limbs) const {
  return transforms(extended(limbs) + digits(limbs) * extended(limbs)) + key_words(limbs) * speeds_.cached_key +
         passes(2 * real(limbs));
}

double PassCost::mod_down(size_t limbs, size_t drop) const {
  return 2 * (transforms(extended(limbs)) + passes(real(limbs - drop + special_ * drop)));
}

double PassCost::matrix(size_t limbs, size_t drop, size_t diagonals, size_t baby_steps, size_t folds) const {
  const double babies = real(std::min(baby_steps, diagonals)) - 1;
  const size_t giants = ceil_divide(diagonals, baby_steps);
  return decomposition(limbs) + babies * key_words(limbs) * speeds_.streamed_key +
         real(giants * std::min(baby_steps, diagonals)) * n_ * extended(limbs) * speeds_.diagonal +
         real(giants - 1 + folds) * giant_step(limbs) + mod_down(limbs, drop);
}

double PassCost::product(size_t limbs, size_t drop) const {
  return passes(8 * real(limbs)) + decomposition(limbs) + key_words(limbs) * speeds_.streamed_key +
         mod_down(limbs, drop);
}

size_t folds_of(const Packing& packing, size_t matrix) {
  size_t folds = 0;
  const auto fold = [&](size_t copies) {
    for (; copies > 1; copies /= 2) ++folds;
  };
  if (matrix == 0) {
    fold(packing.blocks());
    ++folds;  // the conjugate
  } else if (matrix + 1 == packing.matrices()) {
    fold(packing.output_copies);
  }
  return folds;
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
    const std::vector<Register> registers = plan.registers(i);
    for (const Product& product : activation_products(plan.activations[i].degree)) {
      const size_t limbs = std::min(registers[product.left].limbs, registers[product.right].limbs);
      out.push_back(cost.product(limbs, plan.activations[i].drops[product.depth - 1]) / 1e6);
    }
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
          ciphertext_bytes(*params, 2, plan.answer_limbs(), false),
          evaluation_key_bytes(*params, required_keys(plan))};
}

}  // namespace cryptotl
