#pragma once

#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// What a batch takes, estimated.
struct BatchCost {
  double milliseconds = 0;           ///< of one batch, however many of its samples are used
  double prepared_milliseconds = 0;  ///< where the half of the first matrix that needs no input is at hand;
                                     ///< with blocks the same, there is no such half
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  size_t key_bytes = 0;
};

/// The largest BatchPlan::block.
inline constexpr size_t kMaxBlock = 64;

/// The encrypted program for a whole batch, in the conjugate-invariant ring: ciphertext f, or row f, holds
/// feature f of N samples, a sample a slot. A matrix entry multiplies all slots alike, so it is an integer
/// and a layer is a product of integer matrices modulo each prime: no rotation, and no error but that of
/// rounding the entries.
///
/// Few samples leave slots to share: with blocks of B features, slot s B + p of row r holds feature r B + p
/// of sample s, a batch has N / B samples and a layer B times fewer rows, which are rotated by baby steps,
/// and sums of their products by giant steps. A block of B x B entries then takes 2B - 1 polynomials, whose
/// values repeat every B slots. They lie in the subring of X^(N/B), so in NTT form they have B values, N/B
/// neighbours each, and a layer is B products of matrices of residues.
struct BatchPlan : ProgramPlan {
  std::vector<size_t> widths;   ///< input, each hidden layer, output
  size_t block = 1;             ///< B, a power of two; 1, or 4 to kMaxBlock
  bool narrow_entries = false;  ///< no entry is above kMaxNarrowEntry; of no meaning with blocks

  bool has_blocks() const { return block > 1; }
  size_t slots() const { return size_t{1} << params.log_n; }
  size_t samples() const { return slots() / block; }
  size_t input_width() const { return widths.front(); }
  size_t output_width() const { return widths.back(); }
  /// Of so many features.
  size_t rows(size_t width) const { return (width + block - 1) / block; }
  size_t input_rows() const { return rows(input_width()); }
  size_t output_rows() const { return rows(output_width()); }

  nlohmann::json to_json() const;
  /// Checks everything that a client relies on, as LatencyPlan::from_json.
  static Result<BatchPlan> from_json(const nlohmann::json& json);
};

bool valid_block(size_t block);

/// Entry (p, p + b + g) of a block, -B < b + g < B, stands with a row rotated by b slots to the left, in a
/// sum of products that is rotated by g: b is below baby_steps(), and g one of giant_steps().
size_t baby_steps(size_t block);
/// The first is none, the last by a whole block to the right, where b is never 0.
std::vector<int> giant_steps(size_t block);
/// Baby step b comes from the one by b less its lowest digit that is not 0, in this base.
inline constexpr size_t kRotationBase = 4;
/// The rotations of a plan with blocks that take a key of their own, in slots to the left: baby steps of one
/// digit, then giant steps.
std::vector<int> rotations_of(const BatchPlan& plan);

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

/// The program for so many samples that takes least time a sample at full batches of those whose predicted
/// error is at most the precision, as plan_latency(); outputs_alone, privacy and output_noise have no meaning
/// here. invalid_argument, too, for a number of samples that no ring's slots are shared by.
Result<BatchPlan> plan_batch(const FoldedNetwork& network, const Calibration& calibration,
                             const PlanOptions& options = {});

}  // namespace cryptotl
