// Plans for one input at a time: chain_search.h over all packings of all rings.
#include "cryptotl/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "chain_search.h"
#include "cost.h"
#include "cryptotl/ckks/gaussian.h"
#include "cryptotl/ckks/noise.h"
#include "flood.h"
#include "latency_noise.h"
#include "rings.h"

namespace cryptotl {
namespace {

constexpr double kNoiseRoom = 50;  // slot limits of noise; the modulus is twice the limit and 100 times this

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

/// With fewer partial sums of each output, folding leaves outputs alone in the slots: a random number on top
/// of a partial sum would not hide it well. Not possible for more outputs than two blocks hold.
bool leave_outputs_alone(Packing& packing) {
  while (!packing.only_outputs() && packing.output_copies > 1) {
    packing.output_copies /= 2;
    packing.output_window = packing.block / packing.output_copies;
    if (packing.half_outputs() <= packing.output_window) packing.output_stride = packing.output_window;
  }
  return packing.only_outputs();
}

/// A plan for one ring, all but its chain and scales.
LatencyPlan outline(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options,
                    const Packing& packing, const LatencyNoise& model) {
  LatencyPlan plan;
  plan.params.log_n = packing.log_n;
  plan.packing = packing;
  begin_outline(plan, network, calibration);
  plan.output_noise = options.output_noise;
  plan.slot_limit = kOutputMargin * std::max(calibration.slot_mean, 1e-6);
  // Coefficients of noise have their room, a hundredth of the modulus on either side.
  const double noise = options.output_noise / slot_deviation(1, size_t{1} << packing.log_n);
  plan.slot_limit = std::max(plan.slot_limit, kTail * kNoiseRoom * noise);
  if (options.outputs_alone) {
    // Random numbers reach as far as an output may.
    plan.random_limit = plan.output_limit;
    plan.other_deviation = model.other_deviation();
    // The mean absolute value of a complex Gaussian is 1.26 deviations of a part.
    plan.slot_limit = std::max(plan.slot_limit, 2 * plan.output_limit + 1.3 * plan.other_deviation);
  } else {
    // They lie on partial sums; the mean absolute value of two components up to it is 0.765 of it.
    plan.random_limit = std::min(plan.output_limit, plan.slot_limit);
    // Where all slots hold outputs, biases stand in all of them, and the calibration counts them once.
    if (packing.only_outputs()) plan.slot_limit = std::max(plan.slot_limit, plan.output_limit);
    plan.slot_limit += 0.8 * plan.random_limit;
  }
  return plan;
}

using LatencySearch = ChainSearch<LatencyPlan, LatencyNoise>;

/// The Gaussian noise of answers, from the room that the precision leaves or as much as the goal asks for.
void flood(LatencyPlan& plan, const LatencyNoise& noise, double, double most) {
  const double sources = noise.source_deviation(plan, Encryption::secret_key);
  plan.evaluation_deviation = noise.evaluation_deviation(plan);
  plan.matrix_deviation = noise.diagonal_rounding(plan, plan.matrices.size() - 1);
  plan.flood_deviation = noise.flood_factor() * plan.evaluation_deviation;
  if (noise.flood_factor() == 0) plan.flood_deviation = flood_for_room(sources, most);
  LatencySearch::round_answer(plan, noise, std::hypot(sources, plan.flood_deviation), most);
  // The noise beside outputs is fixed, so that this is a limit on the rounding.
  if (noise.flood_factor() * plan.matrix_deviation > plan.other_deviation ||
      plan.noise_of_coefficient() > kLargestGaussianDeviation)
    plan.predicted_error = std::numeric_limits<double>::infinity();
}

/// Every packing of every ring; why there is none where there is none.
Status add_packings(LatencySearch& search, const FoldedNetwork& network, const Calibration& calibration,
                    const PlanOptions& options) {
  const std::vector<size_t> widths = widths_of(network);
  const std::vector<bool> rescales = rescales_of(network);
  const WeightSizes weights(network);
  Status refused;
  for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) {
    const auto packings = possible_packings(widths, log_n);
    if (!packings.ok()) {
      refused = packings.error();
      continue;
    }
    for (Packing packing : *packings) {
      if (options.outputs_alone && !leave_outputs_alone(packing)) {
        refused = refuse(std::to_string(packing.output_width()) +
                         " outputs leave partial sums beside them; at most " +
                         std::to_string(2 * packing.block) + " come alone from these hidden layers");
        continue;
      }
      const LatencyNoise noise(network, weights, calibration, packing, options);
      search.add(outline(network, calibration, options, packing, noise), noise, rescales,
                 options.privacy.statistical_bits > 0 ? kWideChains : ChainRange{});
    }
  }
  return search.empty() ? refused : Status();
}

/// What is in the predicted errors beside the search's sum.
void add_chosen_noise(LatencyPlan& plan, const LatencyNoise& noise) {
  plan.predicted_error_public =
      kTail * std::hypot(noise.source_deviation(plan, Encryption::public_key),
                         std::hypot(plan.flood_deviation, plan.output_noise), answer_rounding(plan));
  plan.predicted_error = std::hypot(plan.predicted_error, kTail * plan.output_noise);
  add_chosen_term(plan, kFloodTerm, plan.flood_deviation);
  add_chosen_term(plan, "Gaussian noise that was asked for", plan.output_noise);
}

/// That the noise that is asked for can be had.
Status check_privacy(const Calibration& calibration, const PlanOptions& options) {
  const double largest =
      std::max({std::abs(calibration.output.low), std::abs(calibration.output.high), 1e-3});
  if (!(options.output_noise >= 0 && options.output_noise <= largest)) {
    std::ostringstream why;
    why << "noise of standard deviation " << options.output_noise << " in outputs of up to " << largest
        << "; 0 to that can be asked for";
    return refuse(why.str());
  }
  const PrivacyGoal& goal = options.privacy;
  if (!(goal.statistical_bits >= 0 && goal.statistical_bits <= kMostPrivacyBits) ||
      !(goal.answers >= 1 && goal.answers <= kMostPrivateAnswers)) {
    std::ostringstream why;
    why << "circuit privacy of " << goal.statistical_bits << " bits for " << goal.answers << " answers; 0 to "
        << kMostPrivacyBits << " for 1 to " << kMostPrivateAnswers << " can be asked for";
    return refuse(why.str());
  }
  if (goal.statistical_bits > 0 && !options.outputs_alone)
    return refuse("circuit privacy needs answers that hold outputs alone");
  return {};
}

}  // namespace

Result<double> preset_precision(std::string_view preset) {
  if (preset == "fast") return kFastPrecision;
  if (preset == "accurate") return kAccuratePrecision;
  return refuse("no preset is called '" + std::string(preset) + "'; there are fast and accurate");
}

Result<LatencyPlan> plan_latency(const FoldedNetwork& network, const Calibration& calibration,
                                 const PlanOptions& options) {
  CRYPTOTL_TRY(check_wish(network, calibration, options));
  CRYPTOTL_TRY(check_privacy(calibration, options));
  LatencySearch search(
      options.precision, [&](LatencyPlan& plan) { return choose_splits(plan, options.speeds); }, flood);
  CRYPTOTL_TRY(add_packings(search, network, calibration, options));
  auto found = search.run();
  if (!found) return refuse(nothing_reaches(options.precision, calibration, search.nearest()));
  LatencyPlan& plan = found->plan;
  add_chosen_noise(plan, found->noise);
  return std::move(plan);
}

}  // namespace cryptotl
