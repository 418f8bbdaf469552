#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/ckks/params.h"
#include "cryptotl/plan/calibration.h"

namespace cryptotl {

/// One source of error in the answer, for people to read: its standard deviation in units of the outputs.
struct NoiseTerm {
  std::string name;
  double deviation = 0;
};

/// One affine map of the program.
struct MatrixPlan {
  size_t limbs = 0;       ///< of its input and its sums
  size_t drop = 0;        ///< primes by which its result is rescaled
  size_t baby_steps = 1;  ///< where it is a product of diagonals and rotations
  double scale = 0;       ///< of its entries
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

/// What every encrypted program says of itself, whichever way vectors lie in slots: its chain of primes,
/// every scale, ranges and the predicted error. It holds nothing of the weights but ranges, and is what the
/// server publishes. It touches no ciphertext.
struct ProgramPlan {
  ParamsSpec params;
  std::vector<MatrixPlan> matrices;         ///< one an affine map
  std::vector<ActivationPlan> activations;  ///< one fewer
  double input_scale = 0;
  size_t answer_bits = 0;          ///< an answer travels modulo 2^answer_bits (modulus_switch)
  size_t answer_dropped_bits = 0;  ///< the lowest bits of c_0, rounded away
  size_t answer_spare_bits = 0;    ///< the highest modulo the base: unused within slot_limit

  ValueRange input_range;   ///< the client clips scaled inputs to it
  double output_limit = 0;  ///< twice the largest |y| on the source; beyond, the client flags an answer
  double slot_limit = 0;    ///< while the mean |slot| of an answer stays below it, nothing wraps around
  /// Bound on |error| of every output, missed with probability below 2^-40 an input, for inputs encrypted
  /// with the secret key.
  double predicted_error = 0;
  std::vector<NoiseTerm> noise;
  /// Standard deviation, in an output, of what computing on ciphertexts leaves in an answer: the noise that
  /// depends on the weights.
  double evaluation_deviation = 0;
  /// Standard deviation, in units of the outputs, of the Gaussian noise by which every output is flooded.
  double flood_deviation = 0;

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
  /// Deviation of independent noise in the coefficients of an answer, in its integers before the switch, that
  /// is noise of this deviation in every output.
  double coefficient_deviation(double output_deviation) const;
  /// The same modulo 2^answer_bits: of what the client decrypts.
  double answer_scale() const;
};

/// True where a coefficient of a decrypted answer comes so near to half of 2^answer_bits that it may have
/// wrapped around: the answer is not to be used.
bool may_have_wrapped(const ProgramPlan& plan, std::span<const double> coefficients);

}  // namespace cryptotl
