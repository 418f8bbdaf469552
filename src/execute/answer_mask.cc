#include "execute/answer_mask.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/base/digest.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

constexpr double kEncoded = 0x1p60;  // of the encoder's 62 bits
constexpr double kTail = 12;         // deviations, of no more numbers than slots

ByteView bytes_of(const RnsPolynomial& polynomial, size_t limb) {
  return {reinterpret_cast<const uint8_t*>(polynomial.limb(limb)), polynomial.n() * sizeof(uint32_t)};
}

/// Whether nothing but outputs is to be readable in an answer.
bool outputs_alone(const LatencyPlan& plan) {
  return plan.packing.only_outputs() && plan.random_limit >= plan.output_limit;
}

/// Few numbers leave 63 bits, and a division of 128 bits takes several times as long.
uint32_t residue(WideInteger value, const Modulus& q) {
  const auto narrow = static_cast<int64_t>(value);
  if (narrow == value) return q.reduce(narrow);
  const auto rest = static_cast<int64_t>(value % static_cast<WideInteger>(q.value()));
  return q.reduce(rest);
}

}  // namespace

Label mask_label(const Params& params, const LatencyKeys& keys, const Seed& seed) {
  Label label("answer to a seed");
  label.add(params.id()).add(keys.key_id()).add(keys.public_key()).add(seed);
  return label;
}

Label mask_label(const Params& params, const LatencyKeys& keys, const Ciphertext& input) {
  if (input.seed) return mask_label(params, keys, *input.seed);
  Hasher hasher;
  for (const RnsPolynomial& part : input.parts)
    for (size_t i = 0; i < part.num_limbs(); ++i) hasher.add(bytes_of(part, i));
  Label label("answer");
  label.add(params.id()).add(keys.key_id()).add(keys.public_key()).add(hasher.finish());
  return label;
}

AnswerMask::AnswerMask(const LatencyPlan& plan, const Encoder& encoder, bool trusting)
    : plan_(plan),
      encoder_(encoder),
      trusting_(trusting),
      random_limit_(!trusting || outputs_alone(plan) || plan.output_noise > 0 ? plan.random_limit : 0),
      other_deviation_(trusting ? 0 : plan.other_deviation),
      output_deviation_(trusting ? plan.output_noise : std::hypot(plan.flood_deviation, plan.output_noise)),
      in_slots_(random_limit_ > 0 && other_deviation_ == 0),
      slots_(plan.packing.slots()),
      words_(2 * slots_.size()),
      noise_(in_slots_ ? 0 : 2 * slots_.size()),
      normals_(in_slots_ ? plan.output_width() : 0) {}

/// Random numbers in every slot, and part of a slot, that holds no output.
void AnswerMask::draw_other_slots(Xof& stream) {
  constexpr double kUnit = 0x1p-30;  // of the Gaussian ones
  stream.fill({reinterpret_cast<uint8_t*>(words_.data()), words_.size() * sizeof(int64_t)});
  if (other_deviation_ > 0) sample_gaussian_from(stream, other_deviation_ / kUnit, noise_);
  const auto number = [&](size_t i) {
    const double gaussian = other_deviation_ > 0 ? kUnit * static_cast<double>(noise_[i]) : 0;
    return random_limit_ * 0x1p-63 * static_cast<double>(words_[i]) + gaussian;
  };
  const size_t half = plan_.packing.half_outputs();
  for (size_t t = 0; t < slots_.size(); ++t) {
    slots_[t] = {t < half ? 0.0 : number(2 * t), t + half < plan_.output_width() ? 0.0 : number(2 * t + 1)};
  }
}

/// The Gaussian noise of outputs. It needs no numbers for slots that hold others, ten times as many.
void AnswerMask::draw_outputs(Xof& stream) {
  const size_t outputs = plan_.output_width();
  sample_normal_from(stream, normals_.span());
  const auto number = [&](size_t i) { return output_deviation_ * normals_[i]; };
  const size_t half = plan_.packing.half_outputs();
  for (size_t t = 0; t < half; ++t) {
    slots_[t].real(number(t));
    if (t + half < outputs) slots_[t].imag(number(t + half));
  }
}

/// Where the scale is beyond the encoder's integers, they are multiplied by a power of two; the flood, which
/// is wider than that by far, fills the gaps.
void AnswerMask::add_other_slots(const Params& params, RnsPolynomial& c0, Xof& stream) {
  draw_other_slots(stream);
  if (in_slots_ && output_deviation_ > 0) draw_outputs(stream);
  const double largest =
      std::max({1.0, random_limit_ + kTail * other_deviation_, in_slots_ ? kTail * output_deviation_ : 0});
  const double doublings = std::max(0.0, std::ceil(std::log2(largest * plan_.output_scale() / kEncoded)));
  const std::vector<int64_t> random = encoder_.encode(slots_, plan_.output_scale() * std::exp2(-doublings));
  for (size_t i = 0; i < c0.num_limbs(); ++i) {
    const Modulus& q = params.modulus(i);
    const uint32_t power = q.power(2, static_cast<uint64_t>(doublings));
    uint32_t* const limb = c0.limb(i);
    for (size_t j = 0; j < random.size(); ++j)
      limb[j] = q.add(limb[j], doublings > 0 ? q.multiply(q.reduce(random[j]), power) : q.reduce(random[j]));
  }
}

void AnswerMask::add_to(RnsPolynomial& c0, RnsPolynomial& c1, const Params& params,
                        const ZeroEncryption& zero, Xof& stream) {
  if (!trusting_) zero.add_to(c0, c1, stream);
  if (random_limit_ > 0) add_other_slots(params, c0, stream);
  if (output_deviation_ == 0 || in_slots_) return;
  sample_gaussian_from(stream, plan_.noise_of_coefficient(), noise_);
  for (size_t i = 0; i < c0.num_limbs(); ++i) {
    const Modulus& q = params.modulus(i);
    uint32_t* const limb = c0.limb(i);
    for (size_t j = 0; j < noise_.size(); ++j) limb[j] = q.add(limb[j], residue(noise_[j], q));
  }
}

}  // namespace cryptotl
