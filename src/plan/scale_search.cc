#include "scale_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cryptotl/plan/activation_circuit.h"
#include "scales.h"

namespace cryptotl {
namespace {

constexpr double kModulusMargin = 8.0;  // between a value times its scale and the modulus
constexpr double kPartialSums = 8.0;    // how much larger than the whole they may be
constexpr double kLeastMatrixScale = 0x1p10;

/// Everything that the search over scales asks of a plan.
class ScaleSearch {
 public:
  ScaleSearch(const NoiseModel& noise, ProgramPlan& plan) : noise_(noise), plan_(plan) {}

  double run() {
    std::vector<double> best;
    double least = std::numeric_limits<double>::infinity();
    const double largest_matrix = noise_.largest_input_log() > 60 ? noise_.largest_matrix_log(0) : 54;
    for (double input = 24; input <= noise_.largest_input_log(); input += 4) {
      for (double matrix = 14; matrix <= largest_matrix; matrix += 4) {
        std::vector<double> logs(plan_.matrices.size(), matrix);
        logs[0] = input;
        if (const double error = evaluate(logs); error < least) {
          least = error;
          best = logs;
        }
      }
    }
    if (best.empty()) return least;
    for (double step = 2; step >= 0.25; step /= 2) descend(best, least, step);
    return evaluate(best);
  }

 private:
  void descend(std::vector<double>& best, double& least, double step) {
    for (bool better = true; better;) {
      better = false;
      // One scale at a time, and one up while another goes down: along the edge of what fits.
      for (size_t i = 0; i < best.size(); ++i) {
        for (size_t j = 0; j < best.size(); ++j) {
          for (const double direction : {step, -step}) {
            std::vector<double> moved = best;
            moved[i] += direction;
            if (i != j) moved[j] -= direction;
            if (const double error = evaluate(moved); error < least) {
              least = error;
              best = moved;
              better = true;
            }
          }
        }
      }
    }
  }

  /// logs: of the input's scale, then of each matrix's but the last, which takes what the base leaves.
  double evaluate(const std::vector<double>& logs) {
    constexpr double kRefused = std::numeric_limits<double>::infinity();
    plan_.input_scale = std::exp2(logs[0]);
    for (size_t i = 0; i + 1 < plan_.matrices.size(); ++i) plan_.matrices[i].scale = std::exp2(logs[i + 1]);
    plan_.matrices.back().scale = 1;
    const double left = std::log2(largest_output_scale(plan_) / plan_.output_scale());
    plan_.matrices.back().scale =
        std::exp2(std::min(largest_log(plan_.matrices.size() - 1), std::floor(4 * left) / 4));
    return fits() ? noise_.deviation(plan_, Encryption::secret_key) : kRefused;
  }

  double largest_log(size_t matrix) const { return noise_.largest_matrix_log(matrix); }

  bool fits() const {
    const double input_limit = std::max(std::abs(plan_.input_range.low), std::abs(plan_.input_range.high));
    const double input = plan_.input_scale * (1 + input_limit);
    if (plan_.input_scale < 0x1p12 || input > std::exp2(noise_.largest_input_log()) ||
        !inside(input, 1, plan_.top_limbs()))
      return false;
    for (size_t i = 0; i < plan_.matrices.size(); ++i) {
      const MatrixPlan& matrix = plan_.matrices[i];
      const bool last = i == plan_.activations.size();
      if (matrix.scale < kLeastMatrixScale || matrix.scale > std::exp2(largest_log(i))) return false;
      if (last) continue;  // its scale follows from the largest of the output
      // Partial sums may be larger than the sum.
      const double sums = kPartialSums * noise_.register_limits(i).front();
      if (!inside(plan_.matrix_input(i).scale * matrix.scale, sums, matrix.limbs)) return false;
      if (!activation_fits(i)) return false;
    }
    return true;
  }

  bool activation_fits(size_t i) const {
    const std::vector<double>& limits = noise_.register_limits(i);
    const std::vector<Register> registers = plan_.registers(i);
    const auto products = activation_products(plan_.activations[i].degree);
    for (size_t k = 0; k < registers.size(); ++k) {
      if (registers[k].scale < 0x1p15 || !inside(registers[k].scale, limits[k], registers[k].limbs))
        return false;
    }
    for (size_t p = 0; p < products.size(); ++p) {
      const auto& [left, right, depth] = products[p];
      const size_t limbs = std::min(registers[left].limbs, registers[right].limbs);
      const double largest = std::max(limits[p + 1], limits[left] * limits[right]);
      if (!inside(registers[left].scale * registers[right].scale, largest, limbs)) return false;
    }
    return true;
  }

  bool inside(double scale, double largest, size_t limbs) const {
    return scale * std::max(1.0, largest) * kModulusMargin < modulus_of(plan_.params, limbs);
  }

  const NoiseModel& noise_;
  ProgramPlan& plan_;
};

}  // namespace

double choose_scales(const NoiseModel& noise, ProgramPlan& plan) { return ScaleSearch(noise, plan).run(); }

}  // namespace cryptotl
