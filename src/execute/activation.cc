#include "execute/activation.h"

namespace cryptotl {

LastProduct multiply_up(const BatchPlan& plan, size_t index, std::span<const ProductResidues> residues,
                        const BatchKeys& keys, Unit& unit) {
  const ActivationPlan& step = plan.activations[index];
  const auto products = activation_products(step.degree);
  std::array<size_t, kMaxActivationDegree> limbs = {plan.matrix_output(index).limbs};
  LastProduct last;
  for (size_t p = 0; p < products.size(); ++p) {
    last.limbs = std::min(limbs[products[p].left], limbs[products[p].right]);
    last.drop = step.drops[products[p].depth - 1];
    limbs[p + 1] = last.limbs - last.drop;
    unit.multiplier.multiply(products[p], unit.registers, residues[p], last.limbs,
                             keys.relinearisation(last.limbs));
    if (p + 1 < products.size())
      unit.multiplier.divide_product(residues[p], last.limbs, last.drop, unit.registers[p + 1]);
  }
  return last;
}

}  // namespace cryptotl
