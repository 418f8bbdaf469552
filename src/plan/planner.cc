// The search: every chain of primes that the guideline allows, the cheapest first; for each the scales of the
// least predicted error, until one is precise enough.
#include "cryptotl/plan/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>

#include "answer_rounding.h"
#include "chain.h"
#include "cost.h"
#include "cryptotl/plan/activation_circuit.h"
#include "latency_noise.h"
#include "outline.h"
#include "rings.h"
#include "scale_search.h"

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

struct Candidate {
  double cost = 0;
  size_t outline = 0;  ///< index into outlines
  Chain chain;
};

std::string in_short(const LatencyPlan& plan) {
  std::ostringstream out;
  out << "N = " << 2 * plan.packing.slots() << " with " << plan.top_limbs() << " primes";
  return out.str();
}

class Search {
 public:
  Search(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options)
      : network_(network), calibration_(calibration), options_(options) {}

  Result<LatencyPlan> run() {
    CRYPTOTL_TRY(collect());
    std::optional<LatencyPlan> best;
    for (const Candidate& candidate : candidates_) {
      LatencyPlan plan = outlines_[candidate.outline];
      use_chain(plan, candidate.chain);
      choose_splits(plan, options_.speeds);
      const LatencyNoise& noise = noises_[candidate.outline];
      const double deviation = choose_scales(noise, plan);
      if (!std::isfinite(deviation)) continue;
      choose_answer(plan, deviation, options_.precision / kTail);
      const double rounding = answer_rounding(plan);
      plan.predicted_error = kTail * std::hypot(deviation, rounding);
      if (!best || plan.predicted_error < best->predicted_error) best = plan;
      if (plan.predicted_error > options_.precision) continue;
      plan.predicted_error_public =
          kTail * std::hypot(noise.deviation(plan, Encryption::public_key), rounding);
      plan.noise = noise.terms(plan, Encryption::secret_key);
      return plan;
    }
    return refuse(nothing_reaches(options_.precision, calibration_,
                                  best ? std::optional(best->predicted_error) : std::nullopt,
                                  best ? in_short(*best) : ""));
  }

 private:
  Status collect() {
    const std::vector<size_t> widths = widths_of(network_);
    const std::vector<bool> rescales = rescales_of(network_);
    Status refused;
    for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) {
      auto packings = possible_packings(widths, log_n);
      if (!packings.ok()) refused = packings.error();
      for (size_t i = 0; packings.ok() && i < packings->size(); ++i) {
        const Status added = collect((*packings)[i], rescales);
        if (!added.ok()) refused = added;
      }
    }
    if (outlines_.empty()) return refused;
    std::ranges::stable_sort(candidates_, {}, &Candidate::cost);
    return {};
  }

  /// Every chain of one packing.
  Status collect(Packing packing, const std::vector<bool>& rescales) {
    if (options_.random_slots && !leave_outputs_alone(packing)) {
      return Error(ErrorCode::invalid_argument, "plan: " + std::to_string(packing.output_width()) +
                                                    " outputs leave partial sums beside them; at most " +
                                                    std::to_string(2 * packing.block) +
                                                    " come alone from these hidden layers");
    }
    outlines_.push_back(outline(network_, calibration_, options_, packing));
    noises_.emplace_back(network_, calibration_, packing);
    const size_t most = static_cast<size_t>(guideline_log_qp(packing.log_n)) / kPrimeBits;
    for_each_chain(rescales, most, [&](const Chain& chain) {
      LatencyPlan plan = outlines_.back();
      use_chain(plan, chain);
      candidates_.push_back({choose_splits(plan, options_.speeds), outlines_.size() - 1, chain});
    });
    return {};
  }

  const FoldedNetwork& network_;
  const Calibration& calibration_;
  const PlanOptions& options_;
  std::vector<LatencyPlan> outlines_;
  std::vector<LatencyNoise> noises_;
  std::vector<Candidate> candidates_;
};

}  // namespace

Result<double> preset_precision(std::string_view preset) {
  if (preset == "fast") return kFastPrecision;
  if (preset == "accurate") return kAccuratePrecision;
  return refuse("no preset is called '" + std::string(preset) + "'; there are fast and accurate");
}

Result<LatencyPlan> plan_latency(const FoldedNetwork& network, const Calibration& calibration,
                                 const PlanOptions& options) {
  CRYPTOTL_TRY(check_wish(network, calibration, options));
  return Search(network, calibration, options).run();
}

}  // namespace cryptotl
