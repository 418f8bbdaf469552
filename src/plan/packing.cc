#include "cryptotl/plan/packing.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

namespace cryptotl {
namespace {

constexpr size_t kMaxCopies = 64;

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

size_t ceil_divide(size_t a, size_t b) { return (a + b - 1) / b; }

/// Row i reads slots i .. i + shift - 1 of every block. The blocks' windows tile the period as long as they
/// stay inside their blocks, or where shift divides the block (then the block that follows takes over where
/// one ends).
size_t choose_shift(size_t input_width, size_t hidden_width, size_t block, size_t blocks) {
  const size_t shift = ceil_divide(ceil_divide(input_width, 2), blocks);
  return hidden_width + shift <= block + 1 ? shift : std::bit_ceil(shift);
}

/// Partial sums stand at stride b, b < copies, and read windows of block / copies hidden units. With stride
/// an odd multiple of the window the windows tile the block. More copies mean fewer rotations.
void choose_output(Packing& packing) {
  for (size_t copies = std::min(kMaxCopies, packing.block); copies >= 1; copies /= 2) {
    const size_t window = packing.block / copies;
    size_t stride = ceil_divide(packing.half_outputs(), window) * window;
    if (stride / window % 2 == 0) stride += window;
    if (stride * copies <= packing.slots() || copies == 1) {
      packing.output_copies = copies;
      packing.output_window = window;
      packing.output_stride = stride;
      return;
    }
  }
}

size_t widest_hidden(const Packing& packing) {
  return *std::max_element(packing.widths.begin() + 1, packing.widths.end() - 1);
}

Status check_widths(std::span<const size_t> widths) {
  for (size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] >= 1 && widths[i] <= kMaxEncryptedWidth) continue;
    const std::string name = i == 0                   ? "input width"
                             : i + 1 == widths.size() ? "output width"
                                                      : "width of hidden layer " + std::to_string(i);
    return refuse("the " + name + " is " + std::to_string(widths[i]) + "; 1 to " +
                  std::to_string(kMaxEncryptedWidth) + " can be encrypted");
  }
  return {};
}

bool fits(const Packing& packing) {
  return std::has_single_bit(packing.block) && packing.block <= packing.slots() &&
         packing.block >= widest_hidden(packing) && packing.half_outputs() <= packing.slots() &&
         packing.period() >= ceil_divide(packing.input_width(), 2);
}

}  // namespace

size_t Packing::diagonals(size_t matrix) const {
  if (matrix == 0) return shift;
  return matrix + 1 == matrices() ? output_window : block;
}

std::vector<size_t> widths_of(const FoldedNetwork& network) {
  std::vector<size_t> widths = {network.input_width()};
  for (const AffineMap& map : network.maps) widths.push_back(map.weight.rows);
  return widths;
}

bool valid_baby_steps(size_t steps, size_t diagonals) {
  return steps >= 1 && steps <= std::min(kMaxBabySteps, diagonals) &&
         (steps <= kLazyTerms || steps % kLazyTerms == 0);
}

Result<std::vector<Packing>> possible_packings(std::span<const size_t> widths, size_t log_n) {
  if (widths.size() < 3) return refuse("a network needs at least one activation");
  CRYPTOTL_TRY(check_widths(widths));
  std::vector<Packing> out;
  Packing packing;
  packing.log_n = log_n;
  packing.widths.assign(widths.begin(), widths.end());
  for (packing.block = std::bit_ceil(widest_hidden(packing)); packing.block <= packing.slots();
       packing.block *= 2) {
    packing.shift = choose_shift(packing.input_width(), packing.widths[1], packing.block, packing.blocks());
    choose_output(packing);
    if (fits(packing) && packing.output_stride * packing.output_copies <= packing.slots())
      out.push_back(packing);
  }
  if (out.empty()) {
    return refuse("rows of these widths need more than the " + std::to_string(packing.slots()) +
                  " slots of N = " + std::to_string(2 * packing.slots()));
  }
  return out;
}

Status check_packing(const Packing& packing) {
  if (packing.widths.size() < 3 || packing.log_n < 1 || packing.log_n > 16) {
    return refuse("no packing of a network");
  }
  CRYPTOTL_TRY(check_widths(packing.widths));
  const auto power = [](size_t value) { return std::has_single_bit(value); };
  const bool sound =
      power(packing.block) && packing.block <= packing.slots() && packing.shift >= 1 &&
      packing.shift <= packing.block && fits(packing) && power(packing.output_copies) &&
      packing.output_copies <= packing.block &&
      packing.output_window == packing.block / packing.output_copies &&
      packing.output_stride >= packing.half_outputs() &&
      packing.output_stride / packing.output_window * packing.output_window == packing.output_stride &&
      packing.output_stride / packing.output_window % 2 == 1 && packing.output_stride <= packing.slots() &&
      packing.output_stride * packing.output_copies <= packing.slots() &&
      (packing.widths[1] + packing.shift <= packing.block + 1 || power(packing.shift));
  return sound ? Status() : refuse("the packing does not bring every input to every output");
}

size_t input_of_slot(const Packing& packing, size_t slot) {
  return (slot % packing.block + packing.shift * (slot / packing.block)) % packing.period();
}

bool output_entry(const Packing& packing, size_t slot, size_t rotation, OutputEntry& entry) {
  const size_t place = packing.only_outputs() ? slot % packing.block : slot;
  entry.row = place % packing.output_stride;
  entry.unit = (slot + rotation) % packing.block;
  return place / packing.output_stride < packing.output_copies && entry.row < packing.half_outputs();
}

std::vector<std::complex<double>> pack_input(const Packing& packing, std::span<const double> row) {
  if (row.size() != packing.input_width()) {
    throw Error(ErrorCode::parameter_mismatch, "an input of " + std::to_string(row.size()) +
                                                   " values; the model takes " +
                                                   std::to_string(packing.input_width()));
  }
  const auto value = [&](size_t k) { return k < row.size() ? row[k] - 0.5 : 0.0; };
  std::vector<std::complex<double>> slots(packing.slots());
  for (size_t t = 0; t < slots.size(); ++t) {
    const size_t k = input_of_slot(packing, t);
    slots[t] = {value(k), value(packing.period() + k)};
  }
  return slots;
}

std::vector<double> unpack_output(const Packing& packing, std::span<const std::complex<double>> slots) {
  const size_t half = packing.half_outputs();
  std::vector<double> out(packing.output_width());
  for (size_t r = 0; r < out.size(); ++r) out[r] = r < half ? slots[r].real() : slots[r - half].imag();
  return out;
}

Matrix partial_outputs(const Matrix& last_weight, std::span<const double> hidden) {
  Matrix out(last_weight.rows, hidden.size() + 1);
  for (size_t r = 0; r < last_weight.rows; ++r) {
    const auto weights = last_weight.row(r);
    const auto sums = out.row(r);
    for (size_t unit = 0; unit < hidden.size(); ++unit)
      sums[unit + 1] = sums[unit] + weights[unit] * hidden[unit];
  }
  return out;
}

double mean_answer_slot(const Packing& packing, const Matrix& partial_outputs) {
  const size_t half = packing.half_outputs();
  const size_t units = partial_outputs.cols - 1;
  // Over a window of units that may run over the end of the block.
  const auto window = [&](size_t row, size_t first) {
    if (row >= partial_outputs.rows) return 0.0;
    const auto sums = partial_outputs.row(row);
    const size_t end = first + packing.output_window;
    const double beyond = end > packing.block ? sums[std::min(end - packing.block, units)] : 0;
    return sums[std::min({end, packing.block, units})] - sums[std::min(first, units)] + beyond;
  };
  std::vector<std::complex<double>> slots(packing.slots());
  OutputEntry entry;
  for (size_t t = 0; t < slots.size(); ++t) {
    if (output_entry(packing, t, 0, entry))
      slots[t] = {window(entry.row, entry.unit), window(entry.row + half, entry.unit)};
  }
  for (size_t copies = 1; copies < packing.output_copies; copies *= 2) {
    const std::vector<std::complex<double>> before = slots;
    for (size_t t = 0; t < slots.size(); ++t) {
      slots[t] += before[(t + copies * packing.output_stride) % slots.size()];
    }
  }
  double sum = 0;
  for (const auto& slot : slots) sum += std::abs(slot);
  return sum / static_cast<double>(slots.size());
}

}  // namespace cryptotl
