#include "execute/block_matrix.h"

#include <array>
#include <cmath>
#include <numbers>

#include "execute/residues.h"

namespace cryptotl {
namespace {

/// Polynomials whose slots repeat every B slots: a_0 + sum_{0 < t < B} a_t (Y^t + Y^-t) with Y = X^(N/B).
class Subring {
 public:
  Subring(const Params& params, size_t block) : params_(params), block_(block), cosines_(block * block) {
    // Slot p stands for the angle 3^p pi / 2B.
    size_t power = 1;
    for (size_t p = 0; p < block; ++p, power = 3 * power % (4 * block)) {
      for (size_t t = 0; t < block; ++t) {
        const double turns = static_cast<double>(t * power % (4 * block)) / static_cast<double>(4 * block);
        cosines_[t * block + p] = std::cos(2 * std::numbers::pi * turns) / static_cast<double>(block);
      }
    }
    for (size_t limb = 0; limb < params.num_primes(); ++limb) add_values_of(limb);
  }

  /// round(scale a_t).
  void encode(const double* slots, double scale, double* coefficients) const {
    for (size_t t = 0; t < block_; ++t) {
      double sum = 0;
      for (size_t p = 0; p < block_; ++p) sum += cosines_[t * block_ + p] * slots[p];
      coefficients[t] = std::round(scale * sum);
    }
  }

  /// The value at positions from b N/B on of the polynomial's NTT modulo a prime.
  uint32_t value(const uint32_t* residues, size_t limb, size_t b) const {
    const Modulus& q = params_.modulus(limb);
    const uint32_t* const powers = values_[limb].data() + b * block_;
    uint32_t sum = 0;
    for (size_t t = 0; t < block_; ++t) sum = q.add(sum, q.multiply(residues[t], powers[t]));
    return sum;
  }

 private:
  /// Position i of an NTT holds the value at zeta^(4 r + 1) with r the reverse of i, and Y^t + Y^-t depends
  /// on r mod B alone: the highest bits of i, reversed.
  void add_values_of(size_t limb) {
    const NttTables& tables = params_.tables(limb);
    const Modulus& q = tables.modulus;
    const uint32_t y = q.power(tables.root, tables.n / block_);
    std::vector<uint32_t>& out = values_.emplace_back();
    for (size_t b = 0; b < block_; ++b) {
      uint64_t reversed = 0;
      for (size_t bit = 1; bit < block_; bit *= 2) reversed = 2 * reversed + (b & bit ? 1 : 0);
      const uint64_t exponent = 4 * reversed + 1;
      for (size_t t = 0; t < block_; ++t) {
        const uint32_t power = q.power(y, t * exponent);
        out.push_back(t == 0 ? 1 : q.add(power, q.inverse(power)));
      }
    }
  }

  const Params& params_;
  size_t block_;
  std::vector<double> cosines_;                ///< [t][p], over B
  std::vector<std::vector<uint32_t>> values_;  ///< [limb][b][t]
};

/// Coefficients of every polynomial of a matrix: [giant step][row][baby step][input row][t].
std::vector<double> encode(const Subring& ring, const BatchPlan& plan, const Matrix& weight, double scale) {
  const auto block = static_cast<int>(plan.block);
  const auto baby = static_cast<int>(baby_steps(plan.block));
  const size_t rows = plan.rows(weight.rows);
  const size_t input_rows = plan.rows(weight.cols);
  const std::vector<int> giants = giant_steps(plan.block);
  std::vector<double> out(giants.size() * rows * baby_steps(plan.block) * input_rows * plan.block);
  std::vector<double> slots(plan.block);
  double* next = out.data();
  // Before its rotation a sum has in slot q what goes to slot p.
  const auto entry = [&](int giant, size_t row, int step, size_t input, int q) {
    const int p = (q - giant + 2 * block) % block;
    const int from = p + giant + step;
    const size_t r = row * plan.block + static_cast<size_t>(p);
    const size_t c = input * plan.block + static_cast<size_t>(from);
    return from >= 0 && from < block && r < weight.rows && c < weight.cols ? weight(r, c) : 0;
  };
  for (const int giant : giants) {
    for (size_t row = 0; row < rows; ++row) {
      for (int step = 0; step < baby; ++step) {
        for (size_t input = 0; input < input_rows; ++input, next += block) {
          for (int q = 0; q < block; ++q) slots[static_cast<size_t>(q)] = entry(giant, row, step, input, q);
          ring.encode(slots.data(), scale, next);
        }
      }
    }
  }
  return out;
}

/// The residue, taken between -q/2 and q/2, in one or two parts: v = 2^15 high + low, both at most 2^14 + 1.
std::array<int32_t, 2> parts_of(uint32_t residue, size_t parts, const Modulus& q) {
  const int32_t value = static_cast<int32_t>(residue > q.value() / 2 ? residue - q.value() : residue);
  if (parts == 1) return {value, 0};
  constexpr int32_t kHalf = 1 << (BlockMatrix::kHalfBits - 1);
  const int32_t low = ((value + kHalf) & (2 * kHalf - 1)) - kHalf;
  return {(value - low) / (2 * kHalf), low};
}

std::vector<uint32_t> residues_of(std::span<const double> integers, const Modulus& q) {
  std::vector<uint32_t> out;
  out.reserve(integers.size());
  for (const double integer : integers) out.push_back(q.reduce(static_cast<int64_t>(integer)));
  return out;
}

/// Giant steps first .. first + count - 1, without the first `skipped` columns.
IntegerMatrix matrix_of(const std::vector<std::array<int32_t, 2>>& entries, size_t parts, size_t rows,
                        size_t columns, size_t first, size_t count, size_t skipped) {
  std::vector<int32_t> out;
  out.reserve(parts * count * rows * (columns - skipped));
  for (size_t sum = first; sum < first + count; ++sum) {
    for (size_t part = 0; part < parts; ++part) {
      for (size_t row = 0; row < rows; ++row) {
        for (size_t column = skipped; column < columns; ++column)
          out.push_back(entries[(sum * rows + row) * columns + column][part]);
      }
    }
  }
  return {out, parts * count * rows, columns - skipped, matrix_kernel()};
}

BlockMatrix::Product product_of(const Subring& ring, const std::vector<uint32_t>& residues, size_t limb,
                                size_t b, size_t parts, const Modulus& q, size_t rows, size_t input_rows,
                                size_t block) {
  const size_t columns = baby_steps(block) * input_rows;
  const size_t sums = giant_steps(block).size();
  std::vector<std::array<int32_t, 2>> entries;
  entries.reserve(sums * rows * columns);
  for (size_t i = 0; i < sums * rows * columns; ++i)
    entries.push_back(parts_of(ring.value(&residues[i * block], limb, b), parts, q));
  return {matrix_of(entries, parts, rows, columns, 0, sums - 1, 0),
          matrix_of(entries, parts, rows, columns, sums - 1, 1, input_rows)};
}

}  // namespace

BlockMatrix::BlockMatrix(const Params& params, const BatchPlan& plan, size_t index, const AffineMap& map,
                         double centre, double filler)
    : block(plan.block),
      parts(params.modulus(0).value() < kWholePrimeBound && takes_whole_residues(matrix_kernel()) ? 1 : 2) {
  const MatrixPlan& matrix = plan.matrices[index];
  const Subring ring(params, block);
  const size_t rows = plan.rows(map.weight.rows);
  const size_t input_rows = plan.rows(map.weight.cols);
  const std::vector<double> coefficients = encode(ring, plan, map.weight, matrix.scale);
  for (size_t limb = 0; limb < matrix.limbs; ++limb) {
    const Modulus& q = params.modulus(limb);
    const std::vector<uint32_t> residues = residues_of(coefficients, q);
    for (size_t b = 0; b < block; ++b)
      products.push_back(product_of(ring, residues, limb, b, parts, q, rows, input_rows, block));
  }
  std::vector<double> slots(block), integers(block);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t p = 0; p < block; ++p) {
      const size_t r = row * block + p;
      slots[p] = r < map.weight.rows ? bias_of(map, r, centre) : filler;
    }
    ring.encode(slots.data(), plan.matrix_input(index).scale * matrix.scale, integers.data());
    auto& limbs = biases.emplace_back();
    for (size_t limb = 0; limb < matrix.limbs; ++limb) {
      const Modulus& q = params.modulus(limb);
      std::vector<uint32_t> residues;
      for (const double integer : integers) residues.push_back(residue_of(integer, q));
      auto& values = limbs.emplace_back();
      for (size_t b = 0; b < block; ++b) values.push_back(ring.value(residues.data(), limb, b));
    }
  }
}

size_t BlockMatrix::bytes() const {
  size_t sum = 0;
  for (const Product& product : products) sum += product.sums.bytes() + product.last.bytes();
  return sum;
}

}  // namespace cryptotl
