#pragma once

#include <complex>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/params.h"
#include "cryptotl/network/folding.h"
#include "cryptotl/plan/calibration.h"

namespace cryptotl {

/// One source of error in the answer, for people to read: its standard deviation in units of the outputs.
struct NoiseTerm {
  std::string name;
  double deviation = 0;
};

/// The encrypted program for one input y = second((v^2 + alpha) v), v = first(x): how vectors lie in slots,
/// how many rotations each matrix takes, every scale and the predicted error. It holds
/// nothing of the weights but ranges, and is what the server publishes. It touches no ciphertext.
///
/// Slots: blocks of `block` slots. Block b holds z[(i + shift b) mod period] at i, with z[k] = (x[k] - 1/2) +
/// i (x[period
/// + k] - 1/2) and period = shift * blocks; missing inputs count as 1/2. The answer's slot r < half_outputs()
/// holds y[r] + i y[half_outputs() + r].
struct LatencyPlan {
  ParamsSpec params;
  size_t input_width = 0;
  size_t hidden_width = 0;
  size_t output_width = 0;

  size_t block = 0;
  size_t shift = 0;          ///< rotations (and diagonals) of the first matrix
  size_t baby_steps = 0;     ///< rotations from one decomposition; the giant step is a rotation by as many
  size_t output_window = 0;  ///< rotations (and diagonals) of the second matrix
  size_t output_stride = 0;  ///< slots between two partial sums of one output
  size_t output_copies = 0;  ///< partial sums of one output, folded at the end

  double input_scale = 0;
  double first_scale = 0;   ///< of the first matrix's diagonals
  double second_scale = 0;  ///< of the second matrix's diagonals

  ValueRange input_range;   ///< the client clips scaled inputs to it
  double output_limit = 0;  ///< twice the largest |y| on the source; beyond, the client flags an answer
  double slot_limit = 0;    ///< while the mean |slot| of an answer stays below it, nothing wraps around
  double predicted_error =
      0;  ///< bound on |error| of every output, missed with probability below 2^-40 an input
  std::vector<NoiseTerm> noise;

  size_t slots() const { return size_t{1} << (params.log_n - 1); }
  size_t blocks() const { return slots() / block; }
  size_t period() const { return shift * blocks(); }
  size_t half_outputs() const { return (output_width + 1) / 2; }
  size_t top_limbs() const { return params.primes.size(); }
  /// Limbs of v, of v^2, and of everything from (v^2 + alpha) v on.
  size_t v_limbs() const { return top_limbs() - 1; }
  size_t square_limbs() const { return top_limbs() - 2; }
  size_t last_limbs() const { return top_limbs() - 3; }
  double v_scale() const;
  double square_scale() const;
  double cubic_scale() const;
  double output_scale() const;

  nlohmann::json to_json() const;
  /// Checks everything that a client relies on: secure parameters, widths, packing, scales, no wrap-around.
  static Result<LatencyPlan> from_json(const nlohmann::json& json);
};

/// The fast preset: N = 8192, five primes and a special one, log2(QP) below 180.1. Picks packing and scales;
/// the scales are those of the least predicted error whose answers do not wrap around. invalid_argument where
/// a width is 0 or above 1024, or where no scale fits.
Result<LatencyPlan> plan_latency(const FoldedNetwork& network, const Calibration& calibration);

/// Every switching key that a pass uses, with the limbs at which it does.
std::vector<KeyRequest> key_uses(const LatencyPlan& plan);
/// The switching keys that the plan's server needs from a client: a key over more limbs serves fewer too.
std::vector<KeyRequest> required_keys(const LatencyPlan& plan);

/// The slots of one scaled row (within the plan's input range).
std::vector<std::complex<double>> pack_input(const LatencyPlan& plan, std::span<const double> row);
/// Which z[k] stands in this slot.
size_t input_of_slot(const LatencyPlan& plan, size_t slot);
/// Mean absolute value over all slots of the answer to a row of v = first(x): what bounds the coefficients of
/// the decrypted polynomial. Partial sums that no client reads are in it.
double mean_answer_slot(const FoldedNetwork& network, std::span<const double> v);
/// True where a coefficient of a decrypted answer comes so near to half the base modulus that it may have
/// wrapped around: the answer is not to be used.
bool may_have_wrapped(const LatencyPlan& plan, std::span<const double> coefficients);
/// The outputs from the slots of a decrypted answer.
std::vector<double> unpack_output(const LatencyPlan& plan, std::span<const std::complex<double>> slots);

/// The plan, step by step, as lines for people to read.
std::string describe(const LatencyPlan& plan);

}  // namespace cryptotl
