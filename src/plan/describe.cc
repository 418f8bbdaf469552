#include <bit>
#include <cmath>
#include <sstream>

#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/plan/circuit_privacy.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {
namespace {

double log_of(double scale) { return std::round(100 * std::log2(scale)) / 100; }

std::string milliseconds(double time) {
  std::ostringstream out;
  out << std::round(100 * time) / 100 << " ms";
  return out.str();
}

void describe_matrix(std::ostream& out, const LatencyPlan& plan, size_t i, double time) {
  const MatrixPlan& matrix = plan.matrices[i];
  const Register result = plan.matrix_output(i);
  out << "matrix " << plan.packing.widths[i + 1] << " x " << plan.packing.widths[i] << ": "
      << plan.packing.diagonals(i) << " diagonals at 2^" << log_of(matrix.scale) << ", " << matrix.baby_steps
      << " baby steps, " << matrix.limbs << " limbs -> " << result.limbs << " limbs at 2^"
      << log_of(result.scale) << "; about " << milliseconds(time) << "\n";
}

void describe_product(std::ostream& out, const Product& product, size_t index, const Register& result,
                      double time) {
  const auto name = [](size_t k) { return k == 0 ? std::string("v") : "r" + std::to_string(k); };
  out << name(index + 1) << " = " << name(product.left) << " " << name(product.right) << " + ... -> "
      << result.limbs << " limbs at 2^" << log_of(result.scale) << "; about " << milliseconds(time) << "\n";
}

void describe_products(std::ostream& out, const ProgramPlan& plan, size_t i, size_t& step,
                       std::span<const double> times) {
  const std::vector<Register> registers = plan.registers(i);
  const auto products = activation_products(plan.activations[i].degree);
  for (size_t p = 0; p < products.size(); ++p) {
    out << "  " << step++ << ". ";
    describe_product(out, products[p], p, registers[p + 1], times[p]);
  }
}

void describe_switch(std::ostream& out, const ProgramPlan& plan) {
  out << "answer switched to " << plan.answer_bits << " bits a coefficient, "
      << plan.answer_bits - plan.answer_dropped_bits << " of c_0; at 2^" << log_of(plan.answer_scale())
      << "\n";
}

void describe_noise(std::ostream& out, const ProgramPlan& plan) {
  for (const NoiseTerm& term : plan.noise) out << "  " << term.deviation << "  " << term.name << "\n";
}

}  // namespace

std::string describe(const LatencyPlan& plan, const KernelSpeeds& speeds) {
  const LatencyCost cost = cost_of(plan, speeds);
  const std::vector<double> times = step_costs(plan, speeds);
  size_t next = 0;
  std::ostringstream out;
  size_t step = 1;
  const auto number = [&]() -> std::ostream& { return out << "  " << step++ << ". "; };
  out << "one input at a time, N = " << 2 * plan.packing.slots() << ", " << plan.top_limbs() << " primes and "
      << plan.params.special_primes.size() << " special\n";
  number() << "input of " << plan.input_width() << " in pairs, " << plan.packing.blocks() << " blocks of "
           << plan.packing.block << "; scale 2^" << log_of(plan.input_scale) << "\n";
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    describe_matrix(number(), plan, i, times[next++]);
    if (i == plan.activations.size()) break;
    describe_products(out, plan, i, step, std::span(times).subspan(next));
    next += activation_products(plan.activations[i].degree).size();
  }
  number() << plan.packing.output_copies << " partial sums folded; answer at 2^"
           << log_of(plan.output_scale()) << ", |y| <= " << plan.output_limit
           << ", random numbers in other slots\n";
  describe_switch(number(), plan);
  out << "about " << std::round(10 * cost.milliseconds) / 10 << " ms; request " << cost.request_bytes
      << " bytes, response " << cost.response_bytes << ", keys " << cost.key_bytes << "\n"
      << "predicted error " << plan.predicted_error
      << " (inputs under a public key: " << plan.predicted_error_public
      << "); standard deviation by source:\n";
  describe_noise(out, plan);
  out << describe_privacy(plan);
  return out.str();
}

std::string describe(const BatchPlan& plan, const KernelSpeeds& speeds) {
  const BatchCost cost = cost_of(plan, speeds);
  const std::vector<double> times = step_costs(plan, speeds);
  std::ostringstream out;
  size_t step = 1;
  const auto number = [&]() -> std::ostream& { return out << "  " << step++ << ". "; };
  out << plan.samples() << " inputs at a time, "
      << (plan.has_blocks() ? std::to_string(plan.block) + " slots each" : "one a slot")
      << ", N = " << plan.slots() << ", " << plan.top_limbs() << " primes and "
      << plan.params.special_primes.size() << " special of " << std::bit_width(plan.params.primes.front())
      << " bits\n";
  number() << plan.input_rows() << " rows of " << plan.input_width() << " features at 2^"
           << log_of(plan.input_scale) << "; about " << milliseconds(times.front()) << "\n";
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    const MatrixPlan& matrix = plan.matrices[i];
    const Register result = plan.matrix_output(i);
    number() << "matrix " << plan.widths[i + 1] << " x " << plan.widths[i]
             << (plan.has_blocks() ? ", rows rotated: polynomials at 2^" : ": integers at 2^")
             << log_of(matrix.scale) << ", " << matrix.limbs << " limbs -> " << result.limbs << " limbs at 2^"
             << log_of(result.scale) << "; about " << milliseconds(times[2 * i + 1]) << "\n";
    if (i == plan.activations.size()) break;
    number() << "activation of degree " << plan.activations[i].degree << " -> "
             << plan.registers(i).back().limbs << " limbs at 2^" << log_of(plan.registers(i).back().scale)
             << "; about " << milliseconds(times[2 * i + 2]) << "\n";
  }
  number() << "encryptions of zero and Gaussian noise added; |y| <= " << plan.output_limit << "; about "
           << milliseconds(times.back()) << "\n";
  describe_switch(number(), plan);
  const auto samples = static_cast<double>(plan.samples());
  out << "about " << milliseconds(cost.milliseconds) << " a batch, " << cost.milliseconds / samples
      << " an input (prepared: " << milliseconds(cost.prepared_milliseconds) << "); request "
      << cost.request_bytes << " bytes, response " << cost.response_bytes << ", keys " << cost.key_bytes
      << "\n"
      << "predicted error " << plan.predicted_error << "; standard deviation by source:\n";
  describe_noise(out, plan);
  out << describe_privacy(plan);
  return out.str();
}

}  // namespace cryptotl
