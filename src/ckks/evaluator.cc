#include "cryptotl/ckks/evaluator.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

void require_same_scale(double a, double b) {
  if (std::abs(a - b) <= 0x1p-20 * std::abs(b)) return;
  throw Error(ErrorCode::scale_mismatch, "the operands' scales are 2^" + std::to_string(std::log2(a)) +
                                             " and 2^" + std::to_string(std::log2(b)));
}

void require_same_limbs(size_t a, size_t b) {
  if (a == b) return;
  throw Error(ErrorCode::level_exhausted, "the operands have " + std::to_string(a) + " and " +
                                              std::to_string(b) + " limbs; drop the higher one first");
}

/// A result with the shape, parameters and key of `a`.
Ciphertext like(const Ciphertext& a, size_t num_parts, double scale) {
  Ciphertext out(a.params, a.key_id, num_parts, a.num_limbs());
  out.scale = scale;
  return out;
}

using Elementwise = void (*)(uint32_t*, const uint32_t*, const uint32_t*, size_t, const Modulus&);

void apply(const Params& params, Elementwise operation, RnsPolynomial& out, const RnsPolynomial& a,
           const RnsPolynomial& b) {
  for (size_t i = 0; i < out.num_limbs(); ++i)
    operation(out.limb(i), a.limb(i), b.limb(i), params.n(), params.modulus(i));
}

}  // namespace

Evaluator::Evaluator(ParamsPtr params, size_t threads)
    : params_(std::move(params)), encoder_(params_->log_n()), threads_(threads) {}

void Evaluator::add_keys(const EvaluationKeys& keys) {
  require_same_params(*keys.params, *params_);
  for (const SwitchingKey& key : keys.keys) {
    for (size_t limbs = 1; limbs <= key.request.limbs; ++limbs) {
      if (!prepared_.contains({key.request.galois_element, limbs}))
        add_key(PreparedKey(*params_, keys.key_id, key, limbs));
    }
  }
}

void Evaluator::add_key(PreparedKey key) {
  auto& place = prepared_[{key.galois_element(), key.limbs()}];
  if (!place) place = std::make_unique<const PreparedKey>(std::move(key));
}

Plaintext Evaluator::encode(std::span<const Complex> values, double scale, size_t limbs) const {
  return {params_, scale, to_ntt(*params_, encoder_.encode(values, scale), limbs)};
}

void Evaluator::require_operand(const Ciphertext& a) const { require_same_params(*a.params, *params_); }

void Evaluator::require_pair(const Ciphertext& a, const Ciphertext& b) const {
  require_operand(a);
  require_operand(b);
  require_same_limbs(a.num_limbs(), b.num_limbs());
  if (a.key_id != b.key_id)
    throw Error(ErrorCode::parameter_mismatch, "the operands are under different keys");
}

Ciphertext Evaluator::add(const Ciphertext& a, const Ciphertext& b) const {
  if (a.parts.size() < b.parts.size()) return add(b, a);
  require_pair(a, b);
  require_same_scale(a.scale, b.scale);
  Ciphertext out = a.clone();
  out.seed.reset();
  for (size_t i = 0; i < b.parts.size(); ++i)
    apply(*params_, kernels().add, out.parts[i], a.parts[i], b.parts[i]);
  return out;
}

Ciphertext Evaluator::subtract(const Ciphertext& a, const Ciphertext& b) const { return add(a, negate(b)); }

Ciphertext Evaluator::negate(const Ciphertext& a) const {
  require_operand(a);
  Ciphertext out = like(a, a.parts.size(), a.scale);
  for (size_t part = 0; part < a.parts.size(); ++part) {
    for (size_t i = 0; i < a.num_limbs(); ++i) {
      kernels().negate(out.parts[part].limb(i), a.parts[part].limb(i), params_->n(), params_->modulus(i));
    }
  }
  return out;
}

Ciphertext Evaluator::add_plain(const Ciphertext& a, const Plaintext& b) const {
  require_operand(a);
  require_same_params(*b.params, *params_);
  require_same_limbs(a.num_limbs(), b.polynomial.num_limbs());
  require_same_scale(a.scale, b.scale);
  Ciphertext out = a.clone();
  out.seed.reset();
  apply(*params_, kernels().add, out.parts[0], a.parts[0], b.polynomial);
  return out;
}

Ciphertext Evaluator::multiply_plain(const Ciphertext& a, const Plaintext& b) const {
  require_operand(a);
  require_same_params(*b.params, *params_);
  require_same_limbs(a.num_limbs(), b.polynomial.num_limbs());
  Ciphertext out = like(a, a.parts.size(), a.scale * b.scale);
  for (size_t part = 0; part < a.parts.size(); ++part) {
    apply(*params_, kernels().multiply, out.parts[part], a.parts[part], b.polynomial);
  }
  return out;
}

Ciphertext Evaluator::multiply(const Ciphertext& a, const Ciphertext& b) const {
  require_pair(a, b);
  if (a.parts.size() != 2 || b.parts.size() != 2) {
    throw Error(ErrorCode::invalid_argument, "multiply: relinearise both operands first");
  }
  Ciphertext out = like(a, 3, a.scale * b.scale);
  apply(*params_, kernels().multiply, out.parts[0], a.parts[0], b.parts[0]);
  apply(*params_, kernels().multiply, out.parts[1], a.parts[0], b.parts[1]);
  apply(*params_, kernels().multiply_add, out.parts[1], a.parts[1], b.parts[0]);
  apply(*params_, kernels().multiply, out.parts[2], a.parts[1], b.parts[1]);
  return out;
}

const PreparedKey& Evaluator::key(const Ciphertext& ciphertext, uint32_t galois_element) const {
  const auto found = prepared_.find({galois_element, ciphertext.num_limbs()});
  if (found != prepared_.end()) return *found->second;
  const std::string what = galois_element == kRelinearisation
                               ? "the relinearisation key"
                               : "the key of Galois element " + std::to_string(galois_element);
  throw Error(ErrorCode::missing_key,
              what + " for " + std::to_string(ciphertext.num_limbs()) + " limbs is missing");
}

Digits Evaluator::decompose_part(const RnsPolynomial& part) const {
  RnsPolynomial coefficients = part;
  for (size_t i = 0; i < part.num_limbs(); ++i)
    kernels().ntt_inverse(coefficients.limb(i), params_->tables(i));
  Digits digits(*params_, part.num_limbs());
  decompose(*params_, coefficients, &part, digits, threads_);
  return digits;
}

/// P times what the key makes of the digits, extended.
std::array<RnsPolynomial, 2> Evaluator::switched(const Digits& digits, const PreparedKey& key) const {
  const RnsPolynomial zero(params_->n(), digits.extended_limbs());
  std::array<RnsPolynomial, 2> out = {zero, zero};
  for (size_t i = 0; i < digits.extended_limbs(); ++i)
    switch_limb(*params_, digits, key, i, nullptr, out[0].limb(i), out[1].limb(i));
  return out;
}

Ciphertext Evaluator::relinearise(const Ciphertext& a) const {
  require_operand(a);
  if (a.parts.size() == 2) return a.clone();
  if (a.parts.size() != 3)
    throw Error(ErrorCode::invalid_argument, "relinearise: a ciphertext of two or three parts");
  const PreparedKey& relinearisation = key(a, kRelinearisation);
  const Digits digits = decompose_part(a.parts[2]);
  const size_t limbs = a.num_limbs();
  auto sum = switched(digits, relinearisation);
  Ciphertext out = like(a, 2, a.scale);
  RnsPolynomial scratch(params_->n(), limbs);
  for (size_t part = 0; part < 2; ++part) {
    mod_down(*params_, sum[part], limbs, 0, out.parts[part], scratch, threads_);
    apply(*params_, kernels().add, out.parts[part], out.parts[part], a.parts[part]);
  }
  return out;
}

Ciphertext Evaluator::rescale(const Ciphertext& a) const {
  require_operand(a);
  if (a.num_limbs() < 2) throw Error(ErrorCode::level_exhausted, "rescale: one limb is left");
  const size_t limbs = a.num_limbs();
  Ciphertext out = a.clone();
  out.seed.reset();
  RnsPolynomial scratch(params_->n(), limbs);
  for (RnsPolynomial& part : out.parts) {
    cryptotl::rescale(*params_, part, limbs, 1, part, scratch, threads_);
    part.drop_to(limbs - 1);
  }
  out.scale = a.scale / params_->modulus(a.num_limbs() - 1).value();
  return out;
}

Ciphertext Evaluator::mod_drop(const Ciphertext& a, size_t limbs) const {
  require_operand(a);
  if (limbs == 0 || limbs > a.num_limbs()) {
    throw Error(ErrorCode::level_exhausted,
                "mod_drop: " + std::to_string(limbs) + " of " + std::to_string(a.num_limbs()) + " limbs");
  }
  Ciphertext out = a.clone();
  out.seed.reset();
  for (RnsPolynomial& part : out.parts) part.drop_to(limbs);
  return out;
}

Ciphertext Evaluator::apply_galois(const Ciphertext& a, uint32_t galois_element, const Digits& digits) const {
  const PreparedKey& switching = key(a, galois_element);
  const size_t limbs = a.num_limbs();
  auto sum = switched(digits, switching);
  Ciphertext out = like(a, 2, a.scale);
  RnsPolynomial scratch(params_->n(), limbs);
  for (size_t part = 0; part < 2; ++part) {
    mod_down(*params_, sum[part], limbs, 0, out.parts[part], scratch, threads_);
  }
  RnsPolynomial moved(params_->n(), limbs);
  for (size_t i = 0; i < limbs; ++i)
    kernels().permute(moved.limb(i), 16, a.parts[0].limb(i), switching.automorphism());
  apply(*params_, kernels().add, out.parts[0], out.parts[0], moved);
  return out;
}

Ciphertext Evaluator::rotate(const Ciphertext& a, int steps) const {
  const int one[] = {steps};
  return std::move(rotate_hoisted(a, one)[0]);
}

Ciphertext Evaluator::conjugate(const Ciphertext& a) const {
  require_operand(a);
  if (a.parts.size() != 2) throw Error(ErrorCode::invalid_argument, "conjugate: relinearise first");
  return apply_galois(a, galois_element_of_conjugation(params_->log_n()), decompose_part(a.parts[1]));
}

std::vector<Ciphertext> Evaluator::rotate_hoisted(const Ciphertext& a, std::span<const int> steps) const {
  require_operand(a);
  if (a.parts.size() != 2) throw Error(ErrorCode::invalid_argument, "rotate: relinearise first");
  const Digits digits = decompose_part(a.parts[1]);
  std::vector<Ciphertext> out;
  for (const int step : steps) {
    const uint32_t galois_element = galois_element_of_rotation(step, params_->log_n());
    out.push_back(galois_element == 1 ? a.clone() : apply_galois(a, galois_element, digits));
  }
  return out;
}

}  // namespace cryptotl
