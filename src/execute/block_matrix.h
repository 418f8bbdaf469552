#pragma once

#include <vector>

#include "cryptotl/execute/batch.h"
#include "cryptotl/network/folding.h"

namespace cryptotl {

/// A layer's matrix in blocks of B x B entries, for rows that are rotated by 0 .. B - 1 slots. Rotated by d,
/// slot p of a sample holds feature p + d of the row's block, or feature p + d - B of the next sample's: the
/// first kind goes into one sum of rows, the second into another, which is rotated back by a whole block.
struct BlockMatrix {
  /// What a residue's lower half may be, doubled: v = 2^15 high + low, and both halves are narrow entries.
  static constexpr size_t kHalfBits = 15;
  /// Rows of a product for one row of the result: high and low half of the one sum, then of the other.
  static constexpr size_t kParts = 4;

  /// `centre`: by which its input is less. `filler`: what slots of the result hold that belong to no feature.
  BlockMatrix(const Params& params, const BatchPlan& plan, size_t index, const AffineMap& map, double centre,
              double filler);

  /// Entries [part][row of the result] x [row of the input][rotation], for positions from b N/B on.
  const IntegerMatrix& product(size_t limb, size_t b) const { return products[limb * block + b]; }
  size_t bytes() const;

  size_t block;
  std::vector<IntegerMatrix> products;  ///< [limb][b]
  /// [row][limb][b], at the scale of the sums, for positions from b N/B on in NTT form.
  std::vector<std::vector<std::vector<uint32_t>>> biases;
};

struct BatchProgram::Blocks {
  std::vector<BlockMatrix> matrices;
};

}  // namespace cryptotl
