#pragma once

#include <optional>
#include <vector>

#include "cryptotl/ckks/polynomial.h"

namespace cryptotl {

/// What one product of an activation's circuit adds to its factors' product (ProductTerms), as residues.
struct ProductResidues {
  std::vector<std::vector<uint32_t>> factors;  ///< [register][limb]; empty where the factor is 0
  std::optional<RnsPolynomial> constant;       ///< at the product's scale, after its rescale, in NTT form
};

}  // namespace cryptotl
