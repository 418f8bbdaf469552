#pragma once

#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// What a batch takes, estimated.
struct BatchCost {
  double milliseconds = 0;           ///< of one batch, however many of its samples are used
  double prepared_milliseconds = 0;  ///< where the half of the first matrix that needs no input is at hand
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  size_t key_bytes = 0;
};

/// The encrypted program for a whole batch: ciphertext f holds feature f of N samples, a sample a slot, in
/// the conjugate-invariant ring. A matrix entry multiplies all slots alike, so it is an integer and a layer
/// is a product of integer matrices modulo each prime: no rotation, and no error but that of rounding the
/// entries.
struct BatchPlan : ProgramPlan {
  std::vector<size_t> widths;   ///< input, each hidden layer, output
  bool narrow_entries = false;  ///< no entry is above kMaxNarrowEntry

  size_t samples() const { return size_t{1} << params.log_n; }
  size_t input_width() const { return widths.front(); }
  size_t output_width() const { return widths.back(); }

  nlohmann::json to_json() const;
  /// Checks everything that a client relies on, as LatencyPlan::from_json.
  static Result<BatchPlan> from_json(const nlohmann::json& json);
};

/// The switching keys that the plan's server needs from a client; it needs a public key too.
std::vector<KeyRequest> required_keys(const BatchPlan& plan);
/// By what the kernels take on one thread of a machine.
BatchCost cost_of(const BatchPlan& plan, const KernelSpeeds& speeds = KernelSpeeds::reference());
/// Milliseconds of every step: taking rows, each matrix and behind it its activation, answers.
std::vector<double> step_costs(const BatchPlan& plan, const KernelSpeeds& speeds);
/// Their sum: the part of cost_of() that needs no tables of the ring.
double batch_milliseconds(const BatchPlan& plan, const KernelSpeeds& speeds);
/// The plan, step by step, as lines for people to read.
std::string describe(const BatchPlan& plan, const KernelSpeeds& speeds = KernelSpeeds::reference());

/// The program that takes least time a sample at full batches of those whose predicted error is at most the
/// precision, as plan_latency(); random_slots has no meaning here.
Result<BatchPlan> plan_batch(const FoldedNetwork& network, const Calibration& calibration,
                             const PlanOptions& options = {});

}  // namespace cryptotl
