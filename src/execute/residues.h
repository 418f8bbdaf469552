#pragma once

#include <span>
#include <vector>

#include "cryptotl/ckks/params.h"
#include "cryptotl/execute/products.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// Exact for any double that is an integer.
uint32_t residue_of(double integer, const Modulus& q);

/// Whether network and calibration have the widths and activations that the plan was made for.
bool made_for(const ProgramPlan& plan, std::span<const size_t> widths, const FoldedNetwork& network,
              const Calibration& calibration);

/// The products of activation `index`, their linear factors rounded to integers; without constants.
std::vector<ProductResidues> linear_residues(const Params& params, const ProgramPlan& plan, size_t index,
                                             std::span<const ProductTerms> terms);

/// map.bias plus what the inputs, which come less their centre, do not bring.
double bias_of(const AffineMap& map, size_t row, double centre);

}  // namespace cryptotl
