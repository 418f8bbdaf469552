// The search for batches: as planner.cc, over rings and chains alone.
#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "answer_rounding.h"
#include "batch_noise.h"
#include "chain.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/plan/packing.h"
#include "cryptotl/rns/integer_matrix.h"
#include "outline.h"
#include "rings.h"
#include "scale_search.h"

namespace cryptotl {
namespace {

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "batch plan: " + why); }

constexpr double kSlotShare = 0.625;  // of the output limit, which is twice the largest answer of the source

struct Candidate {
  double cost = 0;  ///< a sample of a full batch
  size_t log_n = 0;
  bool narrow = false;
  Chain chain;
};

class BatchSearch {
 public:
  BatchSearch(const FoldedNetwork& network, const Calibration& calibration, const PlanOptions& options)
      : network_(network), calibration_(calibration), options_(options) {}

  Result<BatchPlan> run() {
    const std::vector<size_t> widths = widths_of(network_);
    for (const size_t width : widths) {
      if (width == 0 || width > kMaxEncryptedWidth)
        return refuse("a width of " + std::to_string(width) + "; at most " +
                      std::to_string(kMaxEncryptedWidth) + " are encrypted");
    }
    for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) collect(log_n);
    std::ranges::stable_sort(candidates_, {}, &Candidate::cost);
    std::optional<BatchPlan> best;
    for (const Candidate& candidate : candidates_) {
      std::optional<BatchPlan> plan = with_scales(candidate);
      if (!plan) continue;
      if (plan->predicted_error <= options_.precision) return *plan;
      if (!best || plan->predicted_error < best->predicted_error) best = plan;
    }
    return refuse(nothing_reaches(options_.precision, calibration_,
                                  best ? std::optional(best->predicted_error) : std::nullopt,
                                  best ? in_short(*best) : ""));
  }

 private:
  static std::string in_short(const BatchPlan& plan) {
    std::ostringstream out;
    out << "N = " << plan.samples() << " with " << plan.top_limbs() << " primes";
    return out.str();
  }

  BatchPlan outline(size_t log_n, bool narrow) const {
    BatchPlan plan;
    plan.params.ring = Ring::conjugate_invariant;
    plan.params.log_n = log_n;
    plan.widths = widths_of(network_);
    plan.narrow_entries = narrow;
    begin_outline(plan, network_, calibration_);
    // Every slot holds an answer: were all of them the largest of the source, there would still be room.
    plan.slot_limit = kSlotShare * plan.output_limit;
    return plan;
  }

  void collect(size_t log_n) {
    const size_t most = static_cast<size_t>(guideline_log_qp(log_n)) / kPrimeBits;
    for (const bool narrow : {false, true}) {
      const BatchPlan begun = outline(log_n, narrow);
      for_each_chain(rescales_of(network_), most, [&](const Chain& chain) {
        BatchPlan plan = begun;
        use_chain(plan, chain);
        candidates_.push_back(
            {batch_milliseconds(plan, options_.speeds) / std::exp2(log_n), log_n, narrow, chain});
      });
    }
  }

  std::optional<BatchPlan> with_scales(const Candidate& candidate) const {
    BatchPlan plan = outline(candidate.log_n, candidate.narrow);
    use_chain(plan, candidate.chain);
    const double largest = candidate.narrow ? kMaxNarrowEntry : kMatrixEntryBound - 1;
    const BatchNoise noise(network_, calibration_, plan.params, largest);
    const double deviation = choose_scales(noise, plan);
    if (!std::isfinite(deviation)) return std::nullopt;
    choose_answer(plan, deviation, options_.precision / kTail);
    plan.predicted_error = kTail * std::hypot(deviation, answer_rounding(plan));
    plan.noise = noise.terms(plan, Encryption::secret_key);
    return plan;
  }

  const FoldedNetwork& network_;
  const Calibration& calibration_;
  const PlanOptions& options_;
  std::vector<Candidate> candidates_;
};

}  // namespace

Result<BatchPlan> plan_batch(const FoldedNetwork& network, const Calibration& calibration,
                             const PlanOptions& options) {
  CRYPTOTL_TRY(check_wish(network, calibration, options));
  return BatchSearch(network, calibration, options).run();
}

}  // namespace cryptotl
