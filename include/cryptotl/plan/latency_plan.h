#pragma once

#include <complex>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/params.h"
#include "cryptotl/plan/calibration.h"
#include "cryptotl/plan/packing.h"
#include "cryptotl/rns/kernel_speeds.h"

namespace cryptotl {

/// One source of error in the answer, for people to read: its standard deviation in units of the outputs.
struct NoiseTerm {
  std::string name;
  double deviation = 0;
};

/// One affine map of the program.
struct MatrixPlan {
  size_t limbs = 0;  ///< of its input, its diagonals and its sums
  size_t drop = 0;   ///< primes by which its result is rescaled
  size_t baby_steps = 0;
  double scale = 0;  ///< of its diagonals
};

/// One activation of the program, by the circuit of activation_circuit.h.
struct ActivationPlan {
  size_t degree = 0;
  std::vector<size_t> drops;  ///< primes by which the products of each depth are rescaled
};

/// A ciphertext on its way: how many limbs, at which scale.
struct Register {
  size_t limbs = 0;
  double scale = 0;
};

/// What a pass takes, estimated.
struct LatencyCost {
  double milliseconds = 0;
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  size_t key_bytes = 0;
};

/// The encrypted program for one input: how vectors lie in slots, how many rotations each matrix takes, every
/// scale and the predicted error. It holds nothing of the weights but ranges, and is what the server
/// publishes. It touches no ciphertext.
struct LatencyPlan {
  ParamsSpec params;
  Packing packing;
  std::vector<MatrixPlan> matrices;         ///< one an affine map
  std::vector<ActivationPlan> activations;  ///< one fewer
  double input_scale = 0;
  size_t answer_bits = 0;          ///< an answer travels modulo 2^answer_bits (modulus_switch)
  size_t answer_dropped_bits = 0;  ///< the lowest bits of c_0, rounded away
  size_t answer_spare_bits = 0;    ///< the highest modulo the base: unused within slot_limit

  ValueRange input_range;     ///< the client clips scaled inputs to it
  double output_limit = 0;    ///< twice the largest |y| on the source; beyond, the client flags an answer
  double slot_limit = 0;      ///< while the mean |slot| of an answer stays below it, nothing wraps around
  bool random_slots = false;  ///< the server fills every slot that holds no output with random numbers
  /// Bound on |error| of every output, missed with probability below 2^-40 an input, for inputs encrypted
  /// with the secret key and with a public key.
  double predicted_error = 0;
  double predicted_error_public = 0;
  std::vector<NoiseTerm> noise;

  size_t input_width() const { return packing.input_width(); }
  size_t output_width() const { return packing.output_width(); }
  size_t top_limbs() const { return params.primes.size(); }
  size_t answer_limbs() const { return params.base_limbs; }
  /// The scale after rescaling `scale` from `limbs` limbs by `drop` primes.
  double rescaled(double scale, size_t limbs, size_t drop) const;
  /// The input of matrix i: for i > 0 the value of the activation before it.
  Register matrix_input(size_t i) const;
  Register matrix_output(size_t i) const;
  /// Every register of activation i: v, then one a product.
  std::vector<Register> registers(size_t i) const;
  double output_scale() const { return matrix_output(matrices.size() - 1).scale; }
  /// The same modulo 2^answer_bits: of what the client decrypts.
  double answer_scale() const;

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

/// True where a coefficient of a decrypted answer comes so near to half of 2^answer_bits that it may have
/// wrapped around: the answer is not to be used.
bool may_have_wrapped(const LatencyPlan& plan, std::span<const double> coefficients);

/// The plan, step by step, as lines for people to read.
std::string describe(const LatencyPlan& plan, const KernelSpeeds& speeds = KernelSpeeds::reference());

}  // namespace cryptotl
