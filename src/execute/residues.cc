#include "execute/residues.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/plan/packing.h"

namespace cryptotl {

uint32_t residue_of(double integer, const Modulus& q) {
  int exponent = 0;
  const double fraction = std::frexp(integer, &exponent);
  const uint32_t mantissa = q.reduce(static_cast<int64_t>(std::ldexp(fraction, 53)));
  if (exponent < 53) return q.reduce(static_cast<int64_t>(integer));
  return q.multiply(mantissa, q.power(2, static_cast<uint64_t>(exponent - 53)));
}

bool made_for(const ProgramPlan& plan, std::span<const size_t> widths, const FoldedNetwork& network,
              const Calibration& calibration) {
  bool same = std::ranges::equal(widths_of(network), widths) &&
              calibration.layers.size() == network.maps.size() &&
              network.activations.size() == plan.activations.size();
  for (size_t i = 0; same && i < network.activations.size(); ++i)
    same = network.activations[i].degree == plan.activations[i].degree;
  return same;
}

std::vector<ProductResidues> linear_residues(const Params& params, const ProgramPlan& plan, size_t index,
                                             std::span<const ProductTerms> terms) {
  const std::vector<Register> registers = plan.registers(index);
  const auto products = activation_products(plan.activations[index].degree);
  std::vector<ProductResidues> out(products.size());
  for (size_t p = 0; p < products.size(); ++p) {
    const Register& left = registers[products[p].left];
    const Register& right = registers[products[p].right];
    const size_t limbs = std::min(left.limbs, right.limbs);
    const std::vector<double>& linear = terms[p].linear;
    out[p].factors.resize(linear.size());
    for (size_t k = 0; k < linear.size(); ++k) {
      if (linear[k] == 0) continue;
      const double factor = std::round(linear[k] * left.scale * right.scale / registers[k].scale);
      for (size_t limb = 0; limb < limbs; ++limb)
        out[p].factors[k].push_back(residue_of(factor, params.modulus(limb)));
    }
  }
  return out;
}

double bias_of(const AffineMap& map, size_t row, double centre) {
  double sum = 0;
  for (const double weight : map.weight.row(row)) sum += weight;
  return map.bias[row] + centre * sum;
}

}  // namespace cryptotl
