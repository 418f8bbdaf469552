#include "cryptotl/ckks/zero_encryption.h"

#include <algorithm>

#include "ckks/small_polynomial.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {

ZeroEncryption::ZeroEncryption(const PublicKey& key, size_t limbs) : params_(key.params) {
  CRYPTOTL_ASSERT(limbs <= params_->num_primes());
  halves_[0] = key.b;
  halves_[1] = expand_public_key_seed(key);
  for (RnsPolynomial& half : halves_) half.drop_to(limbs);
}

void ZeroEncryption::add_to(RnsPolynomial& c0, RnsPolynomial& c1) const {
  SecretBuffer<Seed> seed(1);
  random_bytes(seed[0]);
  Xof stream(seed[0], Label("encryption of zero").view());
  add_to(c0, c1, stream);
}

void ZeroEncryption::add_to(RnsPolynomial& c0, RnsPolynomial& c1, Xof& stream) const {
  const size_t n = params_->n();
  SecretBuffer<int8_t> mask(n);
  SecretBuffer<int8_t> errors[2] = {SecretBuffer<int8_t>(n), SecretBuffer<int8_t>(n)};
  sample_ternary_from(stream, mask.span());
  for (auto& error : errors) sample_error_from(stream, error.span());
  SecretBuffer<uint32_t> u(n);
  SecretBuffer<uint32_t> product(n);
  for (size_t i = 0; i < halves_[0].num_limbs(); ++i) {
    const NttTables& tables = params_->tables(i);
    const Modulus& q = tables.modulus;
    small_to_ntt(tables, mask.span(), u.data());
    for (size_t side = 0; side < 2; ++side) {
      uint32_t* const limb = (side == 0 ? c0 : c1).limb(i);
      kernels().multiply(product.data(), u.data(), halves_[side].limb(i), n, q);
      kernels().ntt_inverse(product.data(), tables);
      kernels().add(limb, limb, product.data(), n, q);
      small_residues(q, errors[side].span(), product.data());
      kernels().add(limb, limb, product.data(), n, q);
    }
  }
}

}  // namespace cryptotl
