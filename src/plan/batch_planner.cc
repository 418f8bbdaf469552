// Plans for batches: chain_search.h over all rings and both sizes of entries, or with blocks of primes.
#include <cmath>

#include "batch_noise.h"
#include "chain_search.h"
#include "cryptotl/ckks/zero_encryption.h"
#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/plan/packing.h"
#include "cryptotl/rns/integer_matrix.h"
#include "flood.h"
#include "rings.h"

namespace cryptotl {
namespace {

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "batch plan: " + why); }

// Of the output limit, which is twice the largest answer of the source: such answers in all slots are 0.74 of
// what wraps around, below the 0.75 at which an answer is not used.
constexpr double kSlotShare = 0.66;

BatchPlan outline(const FoldedNetwork& network, const Calibration& calibration, size_t log_n, size_t block,
                  bool narrow) {
  BatchPlan plan;
  plan.params.ring = Ring::conjugate_invariant;
  plan.params.log_n = log_n;
  plan.widths = widths_of(network);
  plan.block = block;
  plan.narrow_entries = narrow;
  begin_outline(plan, network, calibration);
  // Every slot holds an answer: were all of them the largest of the source, there would still be room.
  plan.slot_limit = kSlotShare * plan.output_limit;
  return plan;
}

using BatchSearch = ChainSearch<BatchPlan, BatchNoise>;

/// The Gaussian noise of answers from the room that the precision leaves.
void flood(BatchPlan& plan, const BatchNoise& noise, double sources, double room) {
  plan.evaluation_deviation = noise.evaluation_deviation(plan);
  plan.flood_deviation = flood_for_room(sources, room);
  if (plan.coefficient_deviation(plan.flood_deviation) > ZeroEncryption::kLargestFlood)
    plan.flood_deviation = 0;
  BatchSearch::round_answer(plan, noise, std::hypot(sources, plan.flood_deviation), room);
}

Status check_widths(const FoldedNetwork& network) {
  for (const size_t width : widths_of(network)) {
    if (width == 0 || width > kMaxEncryptedWidth)
      return refuse("a width of " + std::to_string(width) + "; at most " +
                    std::to_string(kMaxEncryptedWidth) + " are encrypted");
  }
  return {};
}

}  // namespace

Result<BatchPlan> plan_batch(const FoldedNetwork& network, const Calibration& calibration,
                             const PlanOptions& options) {
  CRYPTOTL_TRY(check_wish(network, calibration, options));
  CRYPTOTL_TRY(check_widths(network));
  const auto cost = [&](const BatchPlan& plan) {
    return batch_milliseconds(plan, options.speeds) / static_cast<double>(plan.samples());
  };
  BatchSearch search(options.precision, cost, flood);
  const std::vector<bool> rescales = rescales_of(network);
  const WeightSizes weights(network);
  for (size_t log_n = kSmallestRing; log_n <= kLargestRing; ++log_n) {
    if (options.samples > 0) {
      const size_t block = (size_t{1} << log_n) / options.samples;
      if (block * options.samples != size_t{1} << log_n || block == 1 || !valid_block(block)) continue;
      const BatchPlan begun = outline(network, calibration, log_n, block, false);
      const auto noise = BatchNoise::with_blocks(network, weights, calibration, begun.params, block);
      for (const size_t bits : {kPrimeBits, kWholePrimeBits})
        search.add(begun, noise, rescales, {.prime_bits = bits});
      continue;
    }
    for (const bool narrow : {false, true}) {
      const double largest = narrow ? kMaxNarrowEntry : kMatrixEntryBound - 1;
      const BatchPlan begun = outline(network, calibration, log_n, 1, narrow);
      search.add(begun, {network, weights, calibration, begun.params, largest}, rescales);
    }
  }
  if (search.empty()) {
    return refuse("batches of " + std::to_string(options.samples) +
                  " samples; a power of two that leaves each 4 to " + std::to_string(kMaxBlock) +
                  " slots of a ring is right");
  }
  auto found = search.run();
  if (!found) return refuse(nothing_reaches(options.precision, calibration, search.nearest()));
  add_chosen_term(found->plan, kFloodTerm, found->plan.flood_deviation);
  return std::move(found->plan);
}

}  // namespace cryptotl
