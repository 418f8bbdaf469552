#pragma once

#include <span>
#include <vector>

#include "cryptotl/ckks/params.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// Exact for any double that is an integer.
uint32_t residue_of(double integer, const Modulus& q);

/// The linear factors of one product whose factors' scales multiply to `scale`, rounded to integers:
/// [register] [limb], empty where a factor is 0.
std::vector<std::vector<uint32_t>> factor_residues(const Params& params, const ProductTerms& terms,
                                                   double scale, std::span<const Register> registers,
                                                   size_t limbs);

/// map.bias plus what the inputs, which come less their centre, do not bring.
double bias_of(const AffineMap& map, size_t row, double centre);

}  // namespace cryptotl
