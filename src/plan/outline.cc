#include "outline.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "cryptotl/plan/activation_circuit.h"
#include "rings.h"

namespace cryptotl {
namespace {

constexpr double kInputMargin = 0.5;  // spans of the input range on either side

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

ValueRange widened(const ValueRange& range, double margin) {
  const double span = std::max(range.high - range.low, 1e-3);
  return {range.low - margin * span, range.high + margin * span};
}

double output_limit_of(const Calibration& calibration) {
  return kOutputMargin *
         std::max({std::abs(calibration.output.low), std::abs(calibration.output.high), 1e-3});
}

Status check_calibration(const FoldedNetwork& network, const Calibration& calibration) {
  bool fits = calibration.layers.size() == network.maps.size();
  for (size_t i = 0; fits && i < network.activations.size(); ++i) {
    const size_t products = activation_products(network.activations[i].degree).size();
    fits = calibration.layers[i].register_gains.size() == products;
  }
  return fits ? Status() : refuse("the calibration is not of this network");
}

}  // namespace

void begin_outline(ProgramPlan& plan, const FoldedNetwork& network, const Calibration& calibration) {
  plan.matrices.resize(network.maps.size());
  for (const FoldedActivation& activation : network.activations) {
    plan.activations.push_back({activation.degree, std::vector<size_t>(activation_depth(activation.degree))});
  }
  plan.input_range = widened(calibration.input, kInputMargin);
  plan.output_limit = output_limit_of(calibration);
}

Status check_precision(double precision) {
  if (precision >= kFinestPrecision && precision <= kCoarsestPrecision) return {};
  std::ostringstream why;
  why << "a precision of " << precision << "; " << kFinestPrecision << " to " << kCoarsestPrecision
      << " can be asked for";
  return refuse(why.str());
}

Status check_wish(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options) {
  CRYPTOTL_TRY(check_precision(options.precision));
  CRYPTOTL_TRY(check_calibration(network, calibration));
  return {};
}

std::string nothing_reaches(double precision, const Calibration& calibration, const ProgramPlan* nearest) {
  std::ostringstream why;
  why << "no parameters up to N = " << (size_t{1} << kLargestRing)
      << " within 128 bits of security reach an error of " << precision << " for this network";
  if (nearest != nullptr) {
    why << "; the least is " << nearest->predicted_error
        << ", at N = " << (size_t{1} << nearest->params.log_n) << " with " << nearest->top_limbs()
        << " primes: ask for that precision";
  } else {
    why << ": its activations need more levels, or its answers (up to " << calibration.output.high
        << ") more room than there is";
  }
  return why.str();
}

}  // namespace cryptotl
