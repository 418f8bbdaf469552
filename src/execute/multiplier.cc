#include "execute/multiplier.h"

#include <cstring>

namespace cryptotl {
namespace {

// The processor's own prefetching stops at each 4 KiB page.
constexpr size_t kKeyPrefetchWords = 1024;

}  // namespace

Multiplier::Multiplier(const Params& parameters, size_t most_limbs, ThreadPool& threads)
    : params(parameters),
      pool(threads),
      kernel(kernels()),
      stage(params, most_limbs),
      product{RnsPolynomial(params.n(), most_limbs), RnsPolynomial(params.n(), most_limbs),
              RnsPolynomial(params.n(), most_limbs)} {}

void Multiplier::to_coefficients(const RnsPolynomial& ntt, RnsPolynomial& out, size_t limbs) {
  pool.for_each(limbs, [&](size_t i) {
    std::memcpy(out.limb(i), ntt.limb(i), n() * sizeof(uint32_t));
    kernel.ntt_inverse(out.limb(i), params.tables(i));
  });
}

/// product = a b, three parts.
void Multiplier::tensor(const Pair& a, const Pair& b, size_t limbs) {
  pool.for_each(limbs, [&](size_t i) {
    const Modulus& q = params.modulus(i);
    uint32_t* const cross = product[1].limb(i);
    kernel.multiply(product[0].limb(i), a[0].limb(i), b[0].limb(i), n(), q);
    kernel.multiply(cross, a[0].limb(i), b[1].limb(i), n(), q);
    if (&a == &b) {
      kernel.add(cross, cross, cross, n(), q);
    } else {
      kernel.multiply_add(cross, a[1].limb(i), b[0].limb(i), n(), q);
    }
    kernel.multiply(product[2].limb(i), a[1].limb(i), b[1].limb(i), n(), q);
  });
}

/// Adds integer multiples of earlier registers to the product, at its scale.
void Multiplier::add_linear(std::span<const Pair> registers, const ProductResidues& terms, size_t limbs) {
  for (size_t k = 0; k < terms.factors.size(); ++k) {
    if (terms.factors[k].empty()) continue;
    pool.for_each(limbs, [&](size_t i) {
      const Modulus& q = params.modulus(i);
      for (size_t side = 0; side < 2; ++side) {
        uint32_t* scaled = stage.scratch.limb(i);
        kernel.multiply_scalar(scaled, registers[k][side].limb(i), terms.factors[k][i], n(), q);
        kernel.add(product[side].limb(i), product[side].limb(i), scaled, n(), q);
      }
    });
  }
}

/// stage.sum = P times what the key makes of `part`, modulo QP, and what `added(limb, side)` gives of each
/// limb; none where that is null.
template <typename Added>
void Multiplier::switch_key(const RnsPolynomial& part, size_t limbs, const PreparedKey& key,
                            const Added& added) {
  stage.enter(limbs);
  to_coefficients(part, stage.work, limbs);
  decompose(params, stage.work, &part, stage.digits, pool);
  pool.for_each(extended_limbs(), [&](size_t limb) {
    SwitchedBlocks blocks = switched_blocks(stage.digits, key, limb, 0, kKeyPrefetchWords);
    for (size_t side = 0; side < 2; ++side) blocks.added[side] = added(limb, side);
    kernel.switch_key(stage.sum[0].limb(limb), stage.sum[1].limb(limb), 16, blocks, n(), modulus(limb));
  });
}

/// stage.sum = P times what relinearisation makes of `square`, modulo QP, and P times the product's other
/// parts where `with_product`. Destroys the product.
void Multiplier::relinearise(const RnsPolynomial& square, size_t limbs, bool with_product,
                             const PreparedKey& key) {
  switch_key(square, limbs, key, [&](size_t limb, size_t side) -> const uint32_t* {
    if (!with_product || limb >= limbs) return nullptr;
    uint32_t* const part = product[side].limb(limb);
    kernel.multiply_scalar(part, part, params.special_product(limb), n(), modulus(limb));
    return part;
  });
}

void Multiplier::add_switched(const RnsPolynomial& part, size_t limbs, const PreparedKey& key) {
  switch_key(part, limbs, key, [&](size_t limb, size_t side) { return stage.sum[side].limb(limb); });
}

void Multiplier::multiply(const Product& factors, std::span<const Pair> registers,
                          const ProductResidues& terms, size_t limbs, const PreparedKey& key) {
  tensor(registers[factors.left], registers[factors.right], limbs);
  add_linear(registers, terms, limbs);
  relinearise(product[2], limbs, true, key);
}

void Multiplier::divide_product(const ProductResidues& terms, size_t limbs, size_t drop, Pair& out) {
  for (size_t side = 0; side < 2; ++side) {
    mod_down(params, stage.sum[side], limbs, drop, out[side], stage.scratch, pool);
  }
  if (terms.constant) add(out[0], *terms.constant);
}

void Multiplier::add(RnsPolynomial& out, const RnsPolynomial& b) {
  for (size_t i = 0; i < b.num_limbs(); ++i)
    kernel.add(out.limb(i), out.limb(i), b.limb(i), n(), params.modulus(i));
}

}  // namespace cryptotl
