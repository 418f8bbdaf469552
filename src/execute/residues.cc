#include "execute/residues.h"

#include <cmath>

namespace cryptotl {

uint32_t residue_of(double integer, const Modulus& q) {
  int exponent = 0;
  const double fraction = std::frexp(integer, &exponent);
  const uint32_t mantissa = q.reduce(static_cast<int64_t>(std::ldexp(fraction, 53)));
  if (exponent < 53) return q.reduce(static_cast<int64_t>(integer));
  return q.multiply(mantissa, q.power(2, static_cast<uint64_t>(exponent - 53)));
}

std::vector<std::vector<uint32_t>> factor_residues(const Params& params, const ProductTerms& terms,
                                                   double scale, std::span<const Register> registers,
                                                   size_t limbs) {
  std::vector<std::vector<uint32_t>> out(terms.linear.size());
  for (size_t k = 0; k < terms.linear.size(); ++k) {
    if (terms.linear[k] == 0) continue;
    const double factor = std::round(terms.linear[k] * scale / registers[k].scale);
    for (size_t limb = 0; limb < limbs; ++limb) out[k].push_back(residue_of(factor, params.modulus(limb)));
  }
  return out;
}

double bias_of(const AffineMap& map, size_t row, double centre) {
  double sum = 0;
  for (const double weight : map.weight.row(row)) sum += weight;
  return map.bias[row] + centre * sum;
}

}  // namespace cryptotl
