#include "cryptotl/plan/circuit_privacy.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>

#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {
namespace {

// Below it erf(x) is 2 x / sqrt(pi) to 2^-60.
constexpr double kSmall = 0x1p-30;

double rounded(double value) { return std::round(10 * value) / 10; }

}  // namespace

double privacy_shift(size_t n, double deviation, double noise_deviation) {
  if (noise_deviation <= 0) return std::numeric_limits<double>::infinity();
  return std::sqrt(static_cast<double>(n)) * kEvaluationTail * deviation / noise_deviation;
}

double privacy_shift(const LatencyPlan& plan) {
  const size_t n = size_t{1} << plan.params.log_n;
  const double flood = std::hypot(plan.flood_deviation, plan.output_noise);
  return std::hypot(privacy_shift(n, plan.evaluation_deviation, flood),
                    privacy_shift(n, plan.matrix_deviation, std::hypot(flood, plan.other_deviation)));
}

double statistical_distance(double shift, double answers) { return std::erf(shift * std::sqrt(answers / 8)); }

double statistical_bits(double shift, double answers) {
  const double x = shift * std::sqrt(answers / 8);
  return x < kSmall ? -std::log2(2 * x / std::sqrt(std::numbers::pi)) : -std::log2(std::erf(x));
}

double renyi_divergence(double shift, double answers, double alpha) {
  return alpha * answers * shift * shift / 2;
}

// erf(x) is at most 2 x / sqrt(pi).
double shift_for(const PrivacyGoal& goal) {
  return std::exp2(-goal.statistical_bits) * std::sqrt(2 * std::numbers::pi / goal.answers);
}

namespace {

/// What the Gaussian noise of a plan hides of whole answers, or rows of them, that move by `shift`.
void describe_flood(std::ostream& out, const ProgramPlan& plan, double deviation, double shift,
                    double answers, const char* answer) {
  out << "what an answer's noise tells of the network: fresh encryption of zero";
  if (std::isinf(shift)) {
    out << ", no Gaussian noise, for which the precision leaves no room; the noise of evaluation is open to "
           "whoever decrypts";
    return;
  }
  out << ", Gaussian noise of deviation " << deviation << " in every output over "
      << plan.evaluation_deviation << " of evaluation; ";
  const double bits = statistical_bits(shift, answers);
  if (bits >= 1) {
    out << "beyond the outputs, " << answers << " answers tell it with statistical distance at most 2^-"
        << rounded(bits) << " (Renyi divergence of order 2: " << renyi_divergence(shift, answers, 2)
        << " nats)";
  } else {
    out << "that blurs single numbers and hides nothing from statistics: " << answer << " moves by up to "
        << rounded(shift) << " deviations (Renyi divergence of order 2: " << renyi_divergence(shift, 1, 2)
        << " nats)";
  }
}

}  // namespace

std::string describe_privacy(const LatencyPlan& plan, double answers) {
  std::ostringstream out;
  describe_flood(out, plan, std::hypot(plan.flood_deviation, plan.output_noise), privacy_shift(plan), answers,
                 "one answer");
  out << (plan.packing.only_outputs() ? "" : "; partial sums stand in other slots, under random numbers")
      << "\n";
  return out.str();
}

std::string describe_privacy(const BatchPlan& plan) {
  std::ostringstream out;
  const double shift = privacy_shift(plan.slots(), plan.evaluation_deviation, plan.flood_deviation);
  describe_flood(out, plan, plan.flood_deviation, shift, 1, "one row of answers");
  out << "\n";
  return out.str();
}

}  // namespace cryptotl
