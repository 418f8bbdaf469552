#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "cryptotl/base/error.h"
#include "cryptotl/network/folding.h"

namespace cryptotl {

/// The widest input, hidden layer or output that is encrypted.
inline constexpr size_t kMaxEncryptedWidth = 4096;
/// Products that one lazy sum takes (kernels.h): where baby steps are more, they are a multiple of it.
inline constexpr size_t kLazyTerms = 16;
inline constexpr size_t kMaxBabySteps = 64;

/// How vectors lie in slots, and how many rotations each matrix takes. N/2 slots hold blocks of `block`
/// slots.
///
/// Input: block b holds z[(i + shift b) mod period] at i, with z[k] = (x[k] - 1/2) + i (x[period + k] - 1/2)
/// and period = shift * blocks; missing inputs count as 1/2. Hidden layers stand in every block, a unit a
/// slot, zeros behind them. Output: slot r < half_outputs() holds y[r] + i y[half_outputs() + r].
struct Packing {
  size_t log_n = 0;
  std::vector<size_t> widths;  ///< input, each hidden layer, output

  size_t block = 0;
  size_t shift = 0;          ///< rotations (and diagonals) of the first matrix
  size_t output_window = 0;  ///< rotations (and diagonals) of the last matrix
  size_t output_stride = 0;  ///< slots between two partial sums of one output
  size_t output_copies = 0;  ///< partial sums of one output, folded at the end

  size_t slots() const { return size_t{1} << (log_n - 1); }
  size_t blocks() const { return slots() / block; }
  size_t period() const { return shift * blocks(); }
  size_t matrices() const { return widths.size() - 1; }
  size_t input_width() const { return widths.front(); }
  size_t output_width() const { return widths.back(); }
  size_t half_outputs() const { return (output_width() + 1) / 2; }
  /// Where partial sums stand closely in every block, folding them leaves whole outputs alone in the slots.
  bool only_outputs() const { return output_stride == output_window; }
  /// Rotations of a matrix, counted from 0: a middle one takes a whole block's.
  size_t diagonals(size_t matrix) const;

  bool operator==(const Packing&) const = default;
};

/// The packings of these widths in a ring of degree 2^log_n, one for each size of block; invalid_argument
/// where a width is 0 or above kMaxEncryptedWidth, or where the ring has too few slots.
Result<std::vector<Packing>> possible_packings(std::span<const size_t> widths, size_t log_n);
/// Checks one that comes from outside: that every input meets every unit once, and all windows fit.
Status check_packing(const Packing& packing);

/// Input, hidden and output widths.
std::vector<size_t> widths_of(const FoldedNetwork& network);

/// Rotations from one decomposition: up to kMaxBabySteps and no more than there are diagonals, and above
/// kLazyTerms a multiple of it.
bool valid_baby_steps(size_t steps, size_t diagonals);

/// Which z[k] stands in this slot.
size_t input_of_slot(const Packing& packing, size_t slot);
/// Which unit of the last hidden layer the last matrix's rotation by r brings to this slot, for which output
/// pair; nothing where the slot takes no part.
struct OutputEntry {
  size_t row = 0;  ///< output row and, as the imaginary part, row + half_outputs()
  size_t unit = 0;
};
bool output_entry(const Packing& packing, size_t slot, size_t rotation, OutputEntry& entry);

/// The slots of one scaled row. Throws parameter_mismatch for a row of another width.
std::vector<std::complex<double>> pack_input(const Packing& packing, std::span<const double> row);
/// The outputs from the slots of a decrypted answer.
std::vector<double> unpack_output(const Packing& packing, std::span<const std::complex<double>> slots);

/// [outputs][units + 1]: what the first 0, 1, ... units of the last hidden layer, whose centred values these
/// are, give of each output.
Matrix partial_outputs(const Matrix& last_weight, std::span<const double> hidden);
/// Mean absolute value over all slots of an answer without its bias: what bounds the coefficients of the
/// decrypted polynomial. Sums over windows of units, which no client reads, are in it.
double mean_answer_slot(const Packing& packing, const Matrix& partial_outputs);

}  // namespace cryptotl
