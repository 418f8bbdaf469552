#include "cryptotl/ckks/public_key.h"

#include "ckks/small_polynomial.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {

RnsPolynomial expand_public_key_seed(const PublicKey& key) {
  const Params& params = *key.params;
  RnsPolynomial a(params.n(), params.num_primes() + 1);
  for (size_t i = 0; i <= params.num_primes(); ++i) {
    Label label("public key");
    label.add(params.id()).add(key.key_id).add(i);
    Xof stream(key.seed, label.view());
    sample_uniform(stream, params.modulus(i), a.limb_span(i));
  }
  return a;
}

Ciphertext encrypt_public(const PublicKey& key, std::span<const int64_t> coefficients, double scale,
                          size_t limbs) {
  const Params& params = *key.params;
  require_message(params, coefficients.size(), limbs);
  const size_t n = params.n();
  SecretBuffer<int8_t> mask(n);
  SecretBuffer<int8_t> error(n);
  SecretBuffer<int64_t> noisy(n);
  SecretBuffer<uint32_t> u(n);
  sample_ternary(mask.span());
  sample_error(error.span());
  for (size_t j = 0; j < n; ++j) noisy[j] = coefficients[j] + error[j];
  sample_error(error.span());
  Ciphertext out(key.params, key.key_id, 0, 0);
  out.scale = scale;
  out.parts.push_back(to_ntt(params, noisy.span(), limbs));
  out.parts.emplace_back(n, limbs);
  const RnsPolynomial a = expand_public_key_seed(key);
  for (size_t i = 0; i < limbs; ++i) {
    const NttTables& tables = params.tables(i);
    small_to_ntt(tables, mask.span(), u.data());
    small_to_ntt(tables, error.span(), out.parts[1].limb(i));
    kernels().multiply_add(out.parts[0].limb(i), u.data(), key.b.limb(i), n, tables.modulus);
    kernels().multiply_add(out.parts[1].limb(i), u.data(), a.limb(i), n, tables.modulus);
  }
  return out;
}

}  // namespace cryptotl
