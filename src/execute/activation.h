#pragma once

#include "cryptotl/execute/batch.h"
#include "execute/batch_memory.h"

namespace cryptotl {

/// The last product of an activation: over how many limbs it stands in the stage, and by how many primes it
/// is rescaled.
struct LastProduct {
  size_t limbs = 0;
  size_t drop = 0;
};

/// All products of activation `index`, from registers[0] in NTT form on. The last one is left in stage.sum, P
/// times its value, modulo QP, without its constant.
LastProduct multiply_up(const BatchPlan& plan, size_t index, std::span<const ProductResidues> residues,
                        const BatchKeys& keys, Unit& unit);

}  // namespace cryptotl
