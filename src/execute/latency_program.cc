// The two matrices as generalised diagonals (Halevi and Shoup, CRYPTO 2014): out[t] = sum_r D_r[t] in[t + r].
// With r = giant * baby_steps + baby, the diagonal that meets the baby rotation before the giant one is D_r
// moved right by giant * baby_steps.
#include <algorithm>
#include <complex>

#include "cryptotl/ckks/encoder.h"
#include "cryptotl/execute/latency.h"
#include "cryptotl/rns/kernels.h"

namespace cryptotl {
namespace {

/// Every input must meet every row once: the windows of a row's blocks tile the period.
void require_cover(const LatencyPlan& plan) {
  for (size_t row = 0; row < plan.hidden_width; ++row) {
    std::vector<uint8_t> met(plan.period());
    for (size_t t = row; t < plan.slots(); t += plan.block) {
      for (size_t r = 0; r < plan.shift; ++r) ++met[input_of_slot(plan, (t + r) % plan.slots())];
    }
    CRYPTOTL_ASSERT(std::ranges::all_of(met, [](uint8_t count) { return count == 1; }));
  }
}

double entry_or_zero(const Matrix& matrix, size_t row, size_t col) {
  return row < matrix.rows && col < matrix.cols ? matrix(row, col) : 0.0;
}

double row_sum(const Matrix& matrix, size_t row) {
  double sum = 0;
  for (const double value : matrix.row(row)) sum += value;
  return sum;
}

}  // namespace

template <typename Entry>
LatencyProgram::Diagonals LatencyProgram::encode(size_t limbs, size_t count, double scale,
                                                 const Entry& entry) const {
  const size_t n = params_->n();
  const size_t slots = params_->slots();
  Diagonals out;
  out.limbs = limbs;
  out.baby_steps = std::min(plan_.baby_steps, count);
  out.giant_steps = (count + out.baby_steps - 1) / out.baby_steps;
  out.limb_words = out.giant_steps * out.baby_steps * n + 16;
  out.words.resize((limbs + 1) * out.limb_words);
  const Encoder encoder(params_->log_n());
  std::vector<Complex> diagonal(slots);
  for (size_t r = 0; r < count; ++r) {
    const size_t giant = r / out.baby_steps;
    const size_t baby = r % out.baby_steps;
    const size_t moved = giant * out.baby_steps;
    for (size_t t = 0; t < slots; ++t) diagonal[(t + moved) % slots] = entry(r, t);
    const RnsPolynomial encoded = to_ntt(*params_, encoder.encode(diagonal, scale), limbs, true);
    for (size_t limb = 0; limb <= limbs; ++limb) {
      const Modulus& q = params_->modulus(params_->extended_index(limb, limbs));
      uint32_t* stream = out.words.data() + limb * out.limb_words + giant * out.baby_steps * n + baby * 16;
      for (size_t j = 0; j < n; ++j) {
        stream[j / 16 * out.baby_steps * 16 + j % 16] = q.to_montgomery(encoded.limb(limb)[j]);
      }
    }
  }
  return out;
}

LatencyProgram::LatencyProgram(const FoldedNetwork& network, const LatencyPlan& plan)
    : plan_(plan), params_(Params::create(plan.params).value()) {
  const Matrix& w1 = network.first.weight;
  const Matrix& w2 = network.second.weight;
  if (w1.cols != plan.input_width || w1.rows != plan.hidden_width || w2.rows != plan.output_width ||
      w2.cols != plan.hidden_width) {
    throw Error(ErrorCode::parameter_mismatch, "the plan was made for a network of other widths");
  }
  require_cover(plan_);
  const size_t period = plan_.period();
  const size_t half = plan_.half_outputs();
  const Encoder encoder(params_->log_n());
  const auto encoded = [&](const std::vector<Complex>& slots, double scale, size_t limbs) {
    return to_ntt(*params_, encoder.encode(slots, scale), limbs);
  };

  // Adding the conjugate doubles the real part, hence the halves.
  first_ = encode(plan_.top_limbs(), plan_.shift, plan_.first_scale, [&](size_t r, size_t t) {
    const size_t row = t % plan_.block;
    const size_t k = input_of_slot(plan_, (t + r) % plan_.slots());
    return Complex(0.5 * entry_or_zero(w1, row, k), -0.5 * entry_or_zero(w1, row, period + k));
  });
  second_ = encode(plan_.last_limbs(), plan_.output_window, plan_.second_scale, [&](size_t r, size_t t) {
    const size_t copy = t / plan_.output_stride;
    const size_t row = t % plan_.output_stride;
    if (copy >= plan_.output_copies || row >= half) return Complex(0, 0);
    const size_t unit = (t + r) % plan_.block;
    return Complex(entry_or_zero(w2, row, unit), entry_or_zero(w2, row + half, unit));
  });

  // Inputs travel less 1/2 and the cubic's values less that at u = 0: the rounding of a diagonal multiplies
  // them.
  const double v0 = -network.inner_scale * network.inner_shift;
  const double w0 = (v0 * v0 + network.alpha) * v0;
  std::vector<Complex> first_bias(plan_.slots());
  std::vector<Complex> centre(plan_.slots());
  for (size_t t = 0; t < plan_.slots(); ++t) {
    const size_t row = t % plan_.block;
    if (row >= plan_.hidden_width) continue;
    first_bias[t] = network.first.bias[row] + 0.5 * row_sum(w1, row);
    centre[t] = -w0;
  }
  const auto output_bias = [&](size_t r) {
    return r < plan_.output_width ? network.second.bias[r] + w0 * row_sum(w2, r) : 0.0;
  };
  std::vector<Complex> second_bias(half);
  for (size_t r = 0; r < half; ++r) second_bias[r] = {output_bias(r), output_bias(r + half)};
  first_bias_ = encoded(first_bias, plan_.v_scale(), plan_.v_limbs());
  alpha_ =
      encoded(std::vector<Complex>(plan_.slots(), network.alpha), plan_.square_scale(), plan_.square_limbs());
  centre_ = encoded(centre, plan_.cubic_scale(), plan_.last_limbs());
  second_bias_ = encoded(second_bias, plan_.output_scale(), plan_.last_limbs());

  automorphisms_.try_emplace(1, params_->log_n(), 1u);
  for (const KeyRequest& use : key_uses(plan_)) {
    if (use.galois_element != kRelinearisation) {
      automorphisms_.try_emplace(use.galois_element, params_->log_n(), use.galois_element);
    }
  }
}

size_t LatencyProgram::bytes() const {
  return (first_.words.size() + second_.words.size()) * sizeof(uint32_t);
}

Result<std::shared_ptr<const LatencyKeys>> LatencyKeys::create(const LatencyPlan& plan,
                                                               const EvaluationKeys& keys) {
  const auto out = std::make_shared<LatencyKeys>();
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  if ((*params)->id() != keys.params->id()) {
    return Error(ErrorCode::parameter_mismatch,
                 "evaluation keys: made under other parameters than the plan's");
  }
  out->key_id_ = keys.key_id;
  for (const KeyRequest& use : key_uses(plan)) {
    const SwitchingKey* key = keys.find(use.galois_element, use.limbs);
    if (key == nullptr) {
      return Error(ErrorCode::missing_key,
                   "evaluation keys: " +
                       (use.galois_element == kRelinearisation
                            ? std::string("the relinearisation key")
                            : "Galois element " + std::to_string(use.galois_element)) +
                       " for " + std::to_string(use.limbs) + " limbs is missing");
    }
    out->keys_.try_emplace({use.galois_element, use.limbs}, **params, keys.key_id, *key, use.limbs);
  }
  return std::shared_ptr<const LatencyKeys>(out);
}

size_t LatencyKeys::bytes() const {
  size_t sum = 0;
  for (const auto& [use, key] : keys_) sum += key.bytes();
  return sum;
}

}  // namespace cryptotl
