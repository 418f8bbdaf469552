#include "cryptotl/ckks/public_key.h"

#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

std::vector<int64_t> widen(std::span<const int8_t> small) { return {small.begin(), small.end()}; }

}  // namespace

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
  const size_t n = params.n();
  SecretBuffer<int8_t> small(n);
  sample_ternary(small.span());
  const RnsPolynomial u = to_ntt(params, widen(small.span()), limbs);
  sample_error(small.span());
  std::vector<int64_t> noisy = widen(small.span());
  for (size_t j = 0; j < n; ++j) noisy[j] += coefficients[j];
  Ciphertext out(key.params, key.key_id, 0, 0);
  out.scale = scale;
  out.parts.push_back(to_ntt(params, noisy, limbs));
  sample_error(small.span());
  out.parts.push_back(to_ntt(params, widen(small.span()), limbs));
  const RnsPolynomial a = expand_public_key_seed(key);
  for (size_t i = 0; i < limbs; ++i) {
    const Modulus& q = params.modulus(i);
    kernels().multiply_add(out.parts[0].limb(i), u.limb(i), key.b.limb(i), n, q);
    kernels().multiply_add(out.parts[1].limb(i), u.limb(i), a.limb(i), n, q);
  }
  return out;
}

}  // namespace cryptotl
