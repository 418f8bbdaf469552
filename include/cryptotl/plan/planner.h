#pragma once

#include <string_view>

#include "cryptotl/plan/circuit_privacy.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

/// Errors that can be asked for.
inline constexpr double kFinestPrecision = 1e-11;
inline constexpr double kCoarsestPrecision = 1e-2;
/// invalid_argument for one beyond them.
Status check_precision(double precision);
/// The presets "fast" and "accurate".
inline constexpr double kFastPrecision = 1e-4;
inline constexpr double kAccuratePrecision = 1e-10;

struct PlanOptions {
  /// The largest error that any output may have, predicted; between the bounds above.
  double precision = kFastPrecision;
  /// An answer holds its outputs alone: nothing else is left in its slots but random numbers. Otherwise
  /// partial sums may stand under the random numbers.
  bool outputs_alone = false;
  /// What answers must hide of the network; by default as much as the precision leaves room for. Asks for
  /// outputs_alone.
  PrivacyGoal privacy = {};
  /// Standard deviation of Gaussian noise in every output, in its units, beside all other; 0 adds none. Part
  /// of the predicted error, but not held to the precision.
  double output_noise = 0;
  /// Of a batch, a power of two: the ring's N slots are shared by blocks of N / samples features
  /// (BatchPlan::block). 0: one in each slot.
  size_t samples = 0;
  /// Of the machine that will run the plan: they decide what is cheapest.
  KernelSpeeds speeds = KernelSpeeds::reference();
};

/// The precision of a preset; invalid_argument names those that there are.
Result<double> preset_precision(std::string_view preset);

/// The cheapest program whose predicted error is at most the precision: ring, chain of primes (all of 30
/// bits, or 26 in batches with blocks, as many a level as it takes), scales and packing, within the 2024
/// guideline's bound. Among the scales of that chain those of the least predicted error, and the smallest
/// answer whose rounding adds little to it. invalid_argument where a width or degree is out of bounds, where
/// `calibration` is not of this network, or where no ring reaches the precision: then it says which one can
/// be had.
Result<LatencyPlan> plan_latency(const FoldedNetwork& network, const Calibration& calibration,
                                 const PlanOptions& options = {});

}  // namespace cryptotl
