#include "cryptotl/ckks/public_key.h"

#include "ckks/small_polynomial.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/ckks/encoder.h"
#include "cryptotl/ckks/key_switch.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {

RnsPolynomial expand_public_key_seed(const PublicKey& key) {
  const Params& params = *key.params;
  RnsPolynomial a(params.n(), params.num_primes() + params.num_special());
  for (size_t i = 0; i < a.num_limbs(); ++i) {
    Label label("public key");
    label.add(params.id()).add(key.key_id).add(i);
    Xof stream(key.seed, label.view());
    sample_uniform(stream, params.modulus(i), a.limb_span(i));
  }
  return a;
}

namespace {

/// round((u k + e) / P) for a half k of the public key and a fresh error e, over the first `limbs` primes.
RnsPolynomial masked(const Params& params, std::span<const int8_t> mask, const RnsPolynomial& half,
                     size_t limbs) {
  const size_t n = params.n();
  SecretBuffer<int8_t> error(n);
  SecretBuffer<uint32_t> u(n);
  sample_error(error.span());
  RnsPolynomial extended(n, limbs + params.num_special());
  for (size_t i = 0; i < extended.num_limbs(); ++i) {
    const size_t prime = params.extended_index(i, limbs);
    const NttTables& tables = params.tables(prime);
    small_to_ntt(tables, mask, u.data());
    small_to_ntt(tables, error.span(), extended.limb(i));
    kernels().multiply_add(extended.limb(i), u.data(), half.limb(prime), n, tables.modulus);
  }
  RnsPolynomial out(n, limbs);
  RnsPolynomial scratch(n, limbs);
  ThreadPool one_thread;
  mod_down(params, extended, limbs, 0, out, scratch, one_thread);
  return out;
}

}  // namespace

Ciphertext encrypt_public(const PublicKey& key, std::span<const int64_t> coefficients, double scale,
                          size_t limbs) {
  const Params& params = *key.params;
  require_message(params, coefficients.size(), limbs);
  SecretBuffer<int8_t> mask(params.n());
  sample_ternary(mask.span());
  Ciphertext out(key.params, key.key_id, 0, 0);
  out.scale = scale;
  out.parts.push_back(masked(params, mask.span(), key.b, limbs));
  out.parts.push_back(masked(params, mask.span(), expand_public_key_seed(key), limbs));
  const RnsPolynomial message = shifted_to_ntt(params, coefficients, message_shift(scale), limbs);
  for (size_t i = 0; i < limbs; ++i) {
    uint32_t* const limb = out.parts[0].limb(i);
    kernels().add(limb, limb, message.limb(i), params.n(), params.modulus(i));
  }
  return out;
}

}  // namespace cryptotl
