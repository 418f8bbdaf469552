#include "cryptotl/ckks/ciphertext.h"

#include <bit>

namespace cryptotl {

Ciphertext::Ciphertext(ParamsPtr parameters, const KeyId& key, size_t num_parts, size_t num_limbs)
    : params(std::move(parameters)), key_id(key) {
  for (size_t i = 0; i < num_parts; ++i) parts.emplace_back(params->n(), num_limbs);
}

void sample_uniform(Xof& stream, const Modulus& q, std::span<uint32_t> out) {
  // Of so many bits that at least half of the draws are kept.
  const uint32_t mask = (1u << std::bit_width(q.value())) - 1;
  alignas(64) std::array<uint32_t, 1024> draws;
  size_t done = 0;
  while (done < out.size()) {
    const size_t count = std::min(draws.size(), out.size() - done);
    stream.fill({reinterpret_cast<uint8_t*>(draws.data()), count * sizeof(uint32_t)});
    for (size_t i = 0; i < count; ++i) {
      const uint32_t draw = draws[i] & mask;
      out[done] = draw;
      done += draw < q.value() ? 1 : 0;
    }
  }
}

RnsPolynomial expand_ciphertext_seed(const Params& params, const KeyId& key_id, const Seed& seed,
                                     size_t num_limbs) {
  RnsPolynomial out(params.n(), num_limbs);
  for (size_t i = 0; i < num_limbs; ++i) {
    Label label("ciphertext");
    label.add(params.id()).add(key_id).add(i);
    Xof stream(seed, label.view());
    sample_uniform(stream, params.modulus(i), out.limb_span(i));
  }
  return out;
}

}  // namespace cryptotl
