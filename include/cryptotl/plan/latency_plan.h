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
  bool random_slots = false;  ///< the server fills every slot that holds no output with random numbers
  /// As predicted_error, for inputs encrypted with a public key.
  double predicted_error_public = 0;

  size_t input_width() const { return packing.input_width(); }
  size_t output_width() const { return packing.output_width(); }

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
