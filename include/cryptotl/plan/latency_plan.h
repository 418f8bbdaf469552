#pragma once

#include <complex>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/plan/packing.h"
#include "cryptotl/plan/program_plan.h"
#include "cryptotl/rns/kernel_speeds.h"

namespace cryptotl {

/// What a pass takes, estimated.
struct LatencyCost {
  double milliseconds = 0;
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  size_t key_bytes = 0;
};

/// The encrypted program for one input: besides what every program has, how vectors lie in slots and how many
/// rotations each matrix takes.
struct LatencyPlan : ProgramPlan {
  Packing packing;
  /// Random numbers up to so much are added in every slot, and part of a slot, that holds no output; 0 where
  /// that is not done.
  double random_limit = 0;
  /// Standard deviation of Gaussian noise that is added there, too.
  double other_deviation = 0;
  /// Standard deviation of what the rounding of the last matrix leaves in every part of a slot: a fixed
  /// change of weights where an output is, and what other_deviation is to hide elsewhere.
  double matrix_deviation = 0;
  /// As flood_deviation, of noise that was asked for (PlanOptions::output_noise). Both are drawn for every
  /// output; with a goal of privacy for every coefficient: since the embedding is a rotation times a factor,
  /// real and imaginary part of every slot get such noise then, independent of each other.
  double output_noise = 0;
  /// As predicted_error, for inputs encrypted with a public key.
  double predicted_error_public = 0;

  size_t input_width() const { return packing.input_width(); }
  size_t output_width() const { return packing.output_width(); }
  /// Standard deviation of all Gaussian noise that is added to a coefficient of an answer, in its integers
  /// before the switch.
  double noise_of_coefficient() const;

  nlohmann::json to_json() const;
  /// Checks everything that a client relies on: secure parameters, widths, packing, scales, no wrap-around.
  static Result<LatencyPlan> from_json(const nlohmann::json& json);
};

/// The folds that follow a matrix's giant steps: each adds to the product its images under these Galois
/// elements, from one decomposition. Two rotations that double the sums in turn make one fold of three, which
/// costs a key and spares a decomposition.
std::vector<std::vector<uint32_t>> folds_of(const Packing& packing, size_t matrix);

/// Every switching key that a pass uses, with the limbs at which it does.
std::vector<KeyRequest> key_uses(const LatencyPlan& plan);
/// The switching keys that the plan's server needs from a client: a key over more limbs serves fewer too.
std::vector<KeyRequest> required_keys(const LatencyPlan& plan);
/// By what the kernels take on one thread of a machine.
LatencyCost cost_of(const LatencyPlan& plan, const KernelSpeeds& speeds = KernelSpeeds::reference());
/// Milliseconds of every step: each matrix, and behind it the products of its activation.
std::vector<double> step_costs(const LatencyPlan& plan, const KernelSpeeds& speeds);
/// Their sum: the part of cost_of() that needs no tables of the ring.
double pass_milliseconds(const LatencyPlan& plan, const KernelSpeeds& speeds);

/// The plan, step by step, as lines for people to read.
std::string describe(const LatencyPlan& plan, const KernelSpeeds& speeds = KernelSpeeds::reference());

}  // namespace cryptotl
