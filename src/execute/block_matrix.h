#pragma once

#include <vector>

#include "cryptotl/execute/batch.h"
#include "cryptotl/network/folding.h"

namespace cryptotl {

/// A layer's matrix in blocks of B x B entries, for rows that are rotated by baby steps, and sums of products
/// that are rotated by giant steps (batch_plan.h). Rotated by d, slot p of a sample holds feature p + d of
/// its block, or one of a neighbouring sample's, which meets a 0.
struct BlockMatrix {
  /// What a residue's lower half may be, doubled: v = 2^15 high + low, and both halves are narrow entries.
  static constexpr size_t kHalfBits = 15;

  /// Rows of a product, [sum][part][row of the result], times columns [baby step][row of the input].
  struct Product {
    IntegerMatrix sums;  ///< of every giant step but the last
    IntegerMatrix last;  ///< for which there is no baby step 0
  };

  /// `centre`: by which its input is less. `filler`: what slots of the result hold that belong to no feature.
  BlockMatrix(const Params& params, const BatchPlan& plan, size_t index, const AffineMap& map, double centre,
              double filler);

  /// For positions from b N/B on.
  const Product& product(size_t limb, size_t b) const { return products[limb * block + b]; }
  size_t bytes() const;

  size_t block;
  size_t parts;  ///< of a sum: the halves of its residues, or 1 where the kernel takes whole ones
  std::vector<Product> products;  ///< [limb][b]
  /// [row][limb][b], at the scale of the sums, for positions from b N/B on in NTT form.
  std::vector<std::vector<std::vector<uint32_t>>> biases;
};

struct BatchProgram::Blocks {
  std::vector<BlockMatrix> matrices;
};

}  // namespace cryptotl
