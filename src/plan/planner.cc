// Plans for one input at a time: chain_search.h over all packings of all rings.
#include "cryptotl/plan/planner.h"

#include <algorithm>
#include <cmath>

#include "chain_search.h"
#include "cost.h"
#include "latency_noise.h"
#include "rings.h"

namespace cryptotl {
namespace {

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
                    const Packing& packing) {
  LatencyPlan plan;
  plan.params.log_n = packing.log_n;
  plan.packing = packing;
  begin_outline(plan, network, calibration);
  plan.random_slots = options.random_slots;
  plan.slot_limit = kOutputMargin * std::max(calibration.slot_mean, 1e-6);
  // Random numbers reach as far as an output may.
  if (options.random_slots) plan.slot_limit = std::max(plan.slot_limit, 2 * plan.output_limit);
  return plan;
}

using LatencySearch = ChainSearch<LatencyPlan, LatencyNoise>;

/// Every packing of every ring; why there is none where there is none.
Status add_packings(LatencySearch& search, const FoldedNetwork& network, const Calibration& calibration,
                    const PlanOptions& options) {
  const std::vector<size_t> widths = widths_of(network);
  const std::vector<bool> rescales = rescales_of(network);
  Status refused;
  for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) {
    const auto packings = possible_packings(widths, log_n);
    if (!packings.ok()) {
      refused = packings.error();
      continue;
    }
    for (Packing packing : *packings) {
      if (options.random_slots && !leave_outputs_alone(packing)) {
        refused = refuse(std::to_string(packing.output_width()) +
                         " outputs leave partial sums beside them; at most " +
                         std::to_string(2 * packing.block) + " come alone from these hidden layers");
        continue;
      }
      search.add(outline(network, calibration, options, packing), {network, calibration, packing}, rescales);
    }
  }
  return search.empty() ? refused : Status();
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
  LatencySearch search(options.precision,
                       [&](LatencyPlan& plan) { return choose_splits(plan, options.speeds); });
  CRYPTOTL_TRY(add_packings(search, network, calibration, options));
  auto found = search.run();
  if (!found) return refuse(nothing_reaches(options.precision, calibration, search.nearest()));
  LatencyPlan& plan = found->plan;
  plan.predicted_error_public =
      kTail * std::hypot(found->noise.deviation(plan, Encryption::public_key), answer_rounding(plan));
  return std::move(plan);
}

}  // namespace cryptotl
