#include "cryptotl/ckks/evaluation_key.h"

#include "cryptotl/rns/automorphism.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {

const SwitchingKey* EvaluationKeys::find(uint32_t galois_element, size_t limbs) const {
  const SwitchingKey* best = nullptr;
  for (const SwitchingKey& key : keys) {
    const bool fits = key.request.galois_element == galois_element && key.request.limbs >= limbs;
    if (fits && (best == nullptr || key.request.limbs < best->request.limbs)) best = &key;
  }
  return best;
}

void expand_key_seed(const Params& params, const KeyId& key_id, const SwitchingKey& key, size_t digit,
                     size_t limb, std::span<uint32_t> out) {
  const size_t index = params.extended_index(limb, key.request.limbs);
  Label label("switching key");
  label.add(params.id())
      .add(key_id)
      .add(key.request.galois_element)
      .add(key.request.limbs)
      .add(digit)
      .add(index);
  Xof stream(key.seed, label.view());
  sample_uniform(stream, params.modulus(index), out);
}

namespace {

/// Streams stand 64 bytes off multiples of the page size.
size_t words_of_limb(const Params& params, size_t limbs) {
  return 2 * params.digits(limbs) * params.n() + 16;
}

std::vector<RnsPolynomial> expand_uniform_halves(const Params& params, const KeyId& key_id,
                                                 const SwitchingKey& key) {
  std::vector<RnsPolynomial> halves;
  for (size_t digit = 0; digit < params.digits(key.request.limbs); ++digit) {
    RnsPolynomial& half = halves.emplace_back(params.n(), key.request.limbs + params.num_special());
    for (size_t limb = 0; limb < half.num_limbs(); ++limb)
      expand_key_seed(params, key_id, key, digit, limb, half.limb_span(limb));
  }
  return halves;
}

}  // namespace

size_t PreparedKey::words(const Params& params, size_t limbs) {
  return (limbs + params.num_special()) * words_of_limb(params, limbs);
}

PreparedKey::PreparedKey(const Params& params, const KeyId& key_id, const SwitchingKey& key, size_t limbs,
                         uint32_t* memory)
    : PreparedKey(params, key.request, key.b, expand_uniform_halves(params, key_id, key), limbs, memory) {}

PreparedKey::PreparedKey(const Params& params, const KeyRequest& request, std::span<const RnsPolynomial> b,
                         std::span<const RnsPolynomial> a, size_t limbs, uint32_t* memory)
    : galois_element_(request.galois_element),
      automorphism_(params.log_n(), galois_element_ == kRelinearisation ? 1 : galois_element_, params.ring()),
      limbs_(limbs),
      extended_limbs_(limbs + params.num_special()),
      limb_words_(words_of_limb(params, limbs)),
      own_(memory == nullptr ? words(params, limbs) : 0),
      words_(memory == nullptr ? own_.data() : memory) {
  const size_t digits = params.digits(limbs);
  CRYPTOTL_ASSERT(limbs <= request.limbs && digits <= b.size() && a.size() == b.size());
  const size_t n = params.n();
  const Automorphism inverse(
      params.log_n(), inverse_galois_element(automorphism_.galois_element, params.log_n(), params.ring()),
      params.ring());
  AlignedVector<uint32_t> moved(n);
  const auto place = [&](const uint32_t* values, size_t limb, size_t digit, size_t side, const Modulus& q) {
    uint32_t* out = words_ + limb * limb_words_ + (digit * 2 + side) * 16;
    kernels().permute(moved.data(), 16, values, inverse);
    for (size_t t = 0; t < n / 16; ++t, out += 2 * digits * 16) {
      const uint32_t* const group = moved.data() + automorphism_.sources[t] / 16 * 16;
      for (size_t l = 0; l < 16; ++l) out[l] = q.to_montgomery(group[l]);
    }
  };
  for (size_t limb = 0; limb < extended_limbs_; ++limb) {
    // A key over more limbs serves fewer: the limbs in between are left out.
    const size_t source = limb < limbs ? limb : request.limbs + limb - limbs;
    const Modulus& q = params.modulus(params.extended_index(limb, limbs));
    for (size_t digit = 0; digit < digits; ++digit) {
      place(b[digit].limb(source), limb, digit, 0, q);
      place(a[digit].limb(source), limb, digit, 1, q);
    }
  }
}

}  // namespace cryptotl
