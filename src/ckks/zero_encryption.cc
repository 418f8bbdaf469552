#include "cryptotl/ckks/zero_encryption.h"

#include <algorithm>
#include <cmath>

#include "ckks/small_polynomial.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/gaussian.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// The nearest integer, for up to 2^51: what is left of a double whose last bit is 1. In instructions that
/// every x86-64 has.
double nearest(double value) {
  constexpr double kShift = 0x1.8p52;
  return value + kShift - kShift;
}

/// Of an integer up to 2^51. The quotient is right to one, and all products are integers that doubles hold.
uint32_t residue(double integer, const Modulus& q) {
  const double modulus = q.value();
  const auto rest = static_cast<int32_t>(integer - nearest(integer / modulus) * modulus);
  return static_cast<uint32_t>(rest < 0 ? rest + static_cast<int32_t>(q.value()) : rest);
}

}  // namespace

ZeroEncryption::ZeroEncryption(const PublicKey& key, size_t limbs) : params_(key.params) {
  CRYPTOTL_ASSERT(limbs <= params_->num_primes());
  halves_[0] = key.b;
  halves_[1] = expand_public_key_seed(key);
  for (RnsPolynomial& half : halves_) half.drop_to(limbs);
}

/// (u b, u a) with a ternary u.
void ZeroEncryption::add_products(RnsPolynomial& c0, RnsPolynomial& c1, Xof& stream) const {
  const size_t n = params_->n();
  SecretBuffer<int8_t> mask(n);
  sample_ternary_from(stream, mask.span());
  SecretBuffer<uint32_t> u(n);
  SecretBuffer<uint32_t> product(n);
  for (size_t i = 0; i < halves_[0].num_limbs(); ++i) {
    const NttTables& tables = params_->tables(i);
    small_to_ntt(tables, mask.span(), u.data());
    for (size_t side = 0; side < 2; ++side) {
      uint32_t* const limb = (side == 0 ? c0 : c1).limb(i);
      kernels().multiply(product.data(), u.data(), halves_[side].limb(i), n, tables.modulus);
      kernels().ntt_inverse(product.data(), tables);
      kernels().add(limb, limb, product.data(), n, tables.modulus);
    }
  }
}

void ZeroEncryption::add_error(RnsPolynomial& part, Xof& stream) const {
  const size_t n = params_->n();
  SecretBuffer<int8_t> error(n);
  SecretBuffer<uint32_t> residues(n);
  sample_error_from(stream, error.span());
  for (size_t i = 0; i < halves_[0].num_limbs(); ++i) {
    const Modulus& q = params_->modulus(i);
    small_residues(q, error.span(), residues.data());
    kernels().add(part.limb(i), part.limb(i), residues.data(), n, q);
  }
}

/// Noise of which every slot gets as much, independent of the others': the first coefficient of the
/// conjugate-invariant ring stands once where others stand twice, so it gets twice the variance.
void ZeroEncryption::add_flood(RnsPolynomial& c0, double deviation, Xof& stream) const {
  const size_t n = params_->n();
  SecretBuffer<double> noise(n + 1);
  sample_normal_from(stream, noise.span());
  if (params_->ring() == Ring::conjugate_invariant) noise[0] += noise[n];
  for (double& value : noise.span()) value = nearest(deviation * value);
  for (size_t i = 0; i < halves_[0].num_limbs(); ++i) {
    const Modulus& q = params_->modulus(i);
    uint32_t* const limb = c0.limb(i);
    for (size_t j = 0; j < n; ++j) limb[j] = q.add(limb[j], residue(noise[j], q));
  }
}

void ZeroEncryption::add_to(RnsPolynomial& c0, RnsPolynomial& c1, Xof& stream, double flood) const {
  CRYPTOTL_ASSERT(flood <= kLargestFlood);
  add_products(c0, c1, stream);
  add_error(c1, stream);
  if (flood > kErrorDeviation) {
    add_flood(c0, flood, stream);
  } else {
    add_error(c0, stream);
  }
}

}  // namespace cryptotl
