#include "cost.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {
namespace {

constexpr double kTransformNanoseconds = 7500.0 / (8192 * 13);  // per point and stage
constexpr double kStreamNanoseconds = 1 / 21.0;                 // per byte that comes from memory

/// Nanoseconds of the parts of a pass.
class PassCost {
 public:
  explicit PassCost(size_t log_n)
      : n_(std::exp2(static_cast<double>(log_n))), log_n_(static_cast<double>(log_n)) {}

  double transforms(double count) const { return count * n_ * log_n_ * kTransformNanoseconds; }
  double stream(double words_a_point) const { return words_a_point * n_ * 4 * kStreamNanoseconds; }
  /// Digits times a key, and the automorphism.
  double switched(double limbs) const { return stream(2 * limbs * (limbs + 1) + 4 * (limbs + 1)); }
  double decomposed(double limbs) const { return transforms(limbs + limbs * limbs); }
  /// A rotation with a decomposition of its own.
  double giant_step(double limbs) const {
    return transforms(limbs + 1 + limbs * (limbs + 1)) + switched(limbs) + stream(6 * (limbs + 1));
  }
  double mod_down(double limbs, double drop) const {
    return 2 * (transforms(limbs + 1) + stream(3 * (limbs + 1))) + stream(drop);
  }
  double matrix(double limbs, double drop, double diagonals, double baby_steps, double folds) const {
    const double babies = std::min(baby_steps, diagonals);
    const double giants = std::ceil(diagonals / baby_steps) - 1;
    return decomposed(limbs) + (babies - 1) * switched(limbs) + stream(diagonals * (limbs + 1)) +
           (giants + folds) * giant_step(limbs) + mod_down(limbs, drop);
  }
  double product(double limbs, double drop) const {
    return stream(8 * limbs) + decomposed(limbs) + switched(limbs) + mod_down(limbs, drop);
  }

 private:
  double n_;
  double log_n_;
};

double folds(const Packing& packing, size_t matrix) {
  const auto halvings = [](size_t copies) { return std::log2(static_cast<double>(copies)); };
  if (matrix == 0) return halvings(packing.blocks()) + 1;
  return matrix + 1 == packing.matrices() ? halvings(packing.output_copies) : 0;
}

}  // namespace

double pass_milliseconds(const LatencyPlan& plan) {
  const PassCost cost(plan.params.log_n);
  const auto real = [](size_t count) { return static_cast<double>(count); };
  double sum = 0;
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    const MatrixPlan& matrix = plan.matrices[i];
    sum += cost.matrix(real(matrix.limbs), real(matrix.drop), real(plan.packing.diagonals(i)),
                       real(matrix.baby_steps), folds(plan.packing, i));
  }
  for (size_t i = 0; i < plan.activations.size(); ++i) {
    const std::vector<Register> registers = plan.registers(i);
    for (const Product& product : activation_products(plan.activations[i].degree)) {
      const size_t limbs = std::min(registers[product.left].limbs, registers[product.right].limbs);
      sum += cost.product(real(limbs), real(plan.activations[i].drops[product.depth - 1]));
    }
  }
  return sum / 1e6;
}

LatencyCost cost_of(const LatencyPlan& plan) {
  const ParamsPtr params = Params::create(plan.params).value();
  return {pass_milliseconds(plan), ciphertext_bytes(*params, 2, plan.top_limbs(), true),
          answer_bytes(*params, plan.answer_bits, plan.answer_dropped_bits),
          evaluation_key_bytes(*params, required_keys(plan))};
}

}  // namespace cryptotl
