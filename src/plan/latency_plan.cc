#include "cryptotl/plan/latency_plan.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "answer_rounding.h"
#include "cryptotl/ckks/switched_ciphertext.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/automorphism.h"
#include "scales.h"

namespace cryptotl {
namespace {

constexpr double kWrapWarning = 0.75;  // of half the modulus of an answer
constexpr size_t kMaxMatrices = 16;
constexpr size_t kMaxDrop = 4;

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

}  // namespace

double LatencyPlan::rescaled(double scale, size_t limbs, size_t drop) const {
  for (size_t i = 0; i < drop; ++i) scale /= params.primes[limbs - 1 - i];
  return scale;
}

Register LatencyPlan::matrix_input(size_t i) const {
  if (i == 0) return {matrices[0].limbs, input_scale};
  return {matrices[i].limbs, registers(i - 1).back().scale};
}

Register LatencyPlan::matrix_output(size_t i) const {
  const MatrixPlan& matrix = matrices[i];
  return {matrix.limbs - matrix.drop,
          rescaled(matrix_input(i).scale * matrix.scale, matrix.limbs, matrix.drop)};
}

double LatencyPlan::answer_scale() const {
  return std::ldexp(output_scale() / modulus_of(params, params.base_limbs),
                    static_cast<int>(answer_bits + answer_spare_bits));
}

std::vector<Register> LatencyPlan::registers(size_t i) const {
  std::vector<Register> out = {matrix_output(i)};
  for (const Product& product : activation_products(activations[i].degree)) {
    const size_t limbs = std::min(out[product.left].limbs, out[product.right].limbs);
    const size_t drop = activations[i].drops[product.depth - 1];
    out.push_back({limbs - drop, rescaled(out[product.left].scale * out[product.right].scale, limbs, drop)});
  }
  return out;
}

std::vector<std::vector<uint32_t>> folds_of(const Packing& packing, size_t matrix) {
  const bool last = matrix + 1 == packing.matrices();
  size_t copies = matrix == 0 ? packing.blocks() : last ? packing.output_copies : 1;
  size_t step = matrix == 0 ? packing.block : packing.output_stride;
  std::vector<std::vector<uint32_t>> out;
  const auto element = [&](size_t steps) {
    return galois_element_of_rotation(static_cast<int>(steps % packing.slots()), packing.log_n);
  };
  for (; copies >= 4; copies /= 4, step *= 4)
    out.push_back({element(step), element(2 * step), element(3 * step)});
  if (copies == 2) out.push_back({element(step)});
  if (matrix == 0) out.push_back({galois_element_of_conjugation(packing.log_n)});
  return out;
}

std::vector<KeyRequest> key_uses(const LatencyPlan& plan) {
  const Packing& packing = plan.packing;
  const size_t log_n = packing.log_n;
  std::vector<KeyRequest> uses;
  const auto use = [&](uint32_t element, size_t limbs) {
    const KeyRequest request{element, limbs};
    if (std::ranges::find(uses, request) == uses.end()) uses.push_back(request);
  };
  const auto rotation = [&](size_t steps, size_t limbs) {
    use(galois_element_of_rotation(static_cast<int>(steps), log_n), limbs);
  };
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    const MatrixPlan& matrix = plan.matrices[i];
    const size_t diagonals = packing.diagonals(i);
    for (size_t step = 1; step < std::min(matrix.baby_steps, diagonals); ++step) rotation(step, matrix.limbs);
    if (diagonals > matrix.baby_steps) rotation(matrix.baby_steps, matrix.limbs);
  }
  for (size_t i = 0; i < plan.activations.size(); ++i) {
    const std::vector<Register> registers = plan.registers(i);
    for (const Product& product : activation_products(plan.activations[i].degree)) {
      use(kRelinearisation, std::min(registers[product.left].limbs, registers[product.right].limbs));
    }
  }
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    for (const auto& fold : folds_of(packing, i)) {
      for (const uint32_t element : fold) use(element, plan.matrices[i].limbs);
    }
  }
  return uses;
}

std::vector<KeyRequest> required_keys(const LatencyPlan& plan) {
  std::vector<KeyRequest> keys;
  for (const KeyRequest& use : key_uses(plan)) {
    const auto same = std::ranges::find(keys, use.galois_element, &KeyRequest::galois_element);
    if (same == keys.end()) {
      keys.push_back(use);
    } else {
      same->limbs = std::max(same->limbs, use.limbs);
    }
  }
  return keys;
}

bool may_have_wrapped(const LatencyPlan& plan, std::span<const double> coefficients) {
  const double limit = kWrapWarning * std::exp2(plan.answer_bits) / 2;
  return std::ranges::any_of(coefficients, [&](double value) { return std::abs(value) > limit; });
}

nlohmann::json LatencyPlan::to_json() const {
  nlohmann::json maps = nlohmann::json::array();
  for (const MatrixPlan& matrix : matrices) {
    maps.push_back({{"limbs", matrix.limbs},
                    {"drop", matrix.drop},
                    {"baby_steps", matrix.baby_steps},
                    {"scale", matrix.scale}});
  }
  nlohmann::json powers = nlohmann::json::array();
  for (const ActivationPlan& activation : activations) {
    powers.push_back({{"degree", activation.degree}, {"drops", activation.drops}});
  }
  nlohmann::json terms = nlohmann::json::array();
  for (const NoiseTerm& term : noise) terms.push_back({{"name", term.name}, {"deviation", term.deviation}});
  return {
      {"ring_degree_log2", params.log_n},
      {"primes", params.primes},
      {"special_primes", params.special_primes},
      {"base_limbs", params.base_limbs},
      {"widths", packing.widths},
      {"block", packing.block},
      {"shift", packing.shift},
      {"output_window", packing.output_window},
      {"output_stride", packing.output_stride},
      {"output_copies", packing.output_copies},
      {"matrices", maps},
      {"activations", powers},
      {"input_scale", input_scale},
      {"answer_bits", answer_bits},
      {"answer_dropped_bits", answer_dropped_bits},
      {"answer_spare_bits", answer_spare_bits},
      {"input_range", {input_range.low, input_range.high}},
      {"output_limit", output_limit},
      {"slot_limit", slot_limit},
      {"random_slots", random_slots},
      {"predicted_error", predicted_error},
      {"predicted_error_public", predicted_error_public},
      {"noise", terms},
  };
}

namespace {

/// The plan as the JSON states it; throws on missing or mistyped members.
LatencyPlan unchecked_from_json(const nlohmann::json& json) {
  LatencyPlan plan;
  plan.params.log_n = json.at("ring_degree_log2").get<size_t>();
  plan.params.primes = json.at("primes").get<std::vector<uint32_t>>();
  plan.params.special_primes = json.at("special_primes").get<std::vector<uint32_t>>();
  plan.params.base_limbs = json.at("base_limbs").get<size_t>();
  plan.packing.log_n = plan.params.log_n;
  plan.packing.widths = json.at("widths").get<std::vector<size_t>>();
  plan.packing.block = json.at("block").get<size_t>();
  plan.packing.shift = json.at("shift").get<size_t>();
  plan.packing.output_window = json.at("output_window").get<size_t>();
  plan.packing.output_stride = json.at("output_stride").get<size_t>();
  plan.packing.output_copies = json.at("output_copies").get<size_t>();
  for (const auto& matrix : json.at("matrices")) {
    plan.matrices.push_back({matrix.at("limbs").get<size_t>(), matrix.at("drop").get<size_t>(),
                             matrix.at("baby_steps").get<size_t>(), matrix.at("scale").get<double>()});
  }
  for (const auto& activation : json.at("activations")) {
    plan.activations.push_back(
        {activation.at("degree").get<size_t>(), activation.at("drops").get<std::vector<size_t>>()});
  }
  plan.input_scale = json.at("input_scale").get<double>();
  plan.answer_bits = json.at("answer_bits").get<size_t>();
  plan.answer_dropped_bits = json.at("answer_dropped_bits").get<size_t>();
  plan.answer_spare_bits = json.at("answer_spare_bits").get<size_t>();
  const auto& range = json.at("input_range");
  plan.input_range = {range.at(0).get<double>(), range.at(1).get<double>()};
  plan.output_limit = json.at("output_limit").get<double>();
  plan.slot_limit = json.at("slot_limit").get<double>();
  plan.random_slots = json.at("random_slots").get<bool>();
  plan.predicted_error = json.at("predicted_error").get<double>();
  plan.predicted_error_public = json.at("predicted_error_public").get<double>();
  for (const auto& term : json.at("noise")) {
    plan.noise.push_back({term.at("name").get<std::string>(), term.at("deviation").get<double>()});
  }
  return plan;
}

bool positive(double value) { return std::isfinite(value) && value > 0; }

/// That the steps take every prime but the base's, one after the other.
Status check_chain(const LatencyPlan& plan) {
  if (plan.matrices.size() < 2 || plan.matrices.size() > kMaxMatrices ||
      plan.activations.size() + 1 != plan.matrices.size() ||
      plan.packing.widths.size() != plan.matrices.size() + 1) {
    return refuse("matrices, activations and widths do not fit together");
  }
  size_t limbs = plan.top_limbs();
  const auto spend = [&](size_t drop) {
    if (drop > kMaxDrop || drop >= limbs) return false;
    limbs -= drop;
    return true;
  };
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    const MatrixPlan& matrix = plan.matrices[i];
    if (matrix.limbs != limbs || !spend(matrix.drop) ||
        !valid_baby_steps(matrix.baby_steps, plan.packing.diagonals(i))) {
      return refuse("the chain of primes is not one that this program knows");
    }
    if (i == plan.activations.size()) break;
    const ActivationPlan& activation = plan.activations[i];
    if (activation.degree < kMinActivationDegree || activation.degree > kMaxActivationDegree) {
      return refuse("an activation of degree " + std::to_string(activation.degree) + "; 2 to 7 are known");
    }
    if (activation.drops.size() != activation_depth(activation.degree) ||
        !std::ranges::all_of(activation.drops, spend)) {
      return refuse("the chain of primes is not one that this program knows");
    }
  }
  if (limbs != plan.answer_limbs()) return refuse("the chain of primes does not end in the base");
  return {};
}

Status check_scales(const LatencyPlan& plan) {
  const auto sound = [](double scale) { return positive(scale) && scale >= 0x1p8; };
  const auto integer = [&](double scale) { return sound(scale) && scale <= 0x1p62; };
  const auto matrix_sound = [&](const MatrixPlan& matrix) { return integer(matrix.scale); };
  if (!integer(plan.input_scale) || !std::ranges::all_of(plan.matrices, matrix_sound)) {
    return refuse("a scale is out of bounds");
  }
  for (size_t i = 0; i < plan.activations.size(); ++i) {
    for (const Register& value : plan.registers(i)) {
      if (!sound(value.scale)) return refuse("a scale is out of bounds");
    }
  }
  return {};
}

Status check_ranges(const LatencyPlan& plan) {
  if (!std::isfinite(plan.input_range.low) || !std::isfinite(plan.input_range.high) ||
      plan.input_range.low > plan.input_range.high ||
      std::max(std::abs(plan.input_range.low), std::abs(plan.input_range.high)) > 1e6) {
    return refuse("the input range is not one");
  }
  if (!positive(plan.output_limit) || !positive(plan.slot_limit) || !positive(plan.predicted_error) ||
      !positive(plan.predicted_error_public)) {
    return refuse("no output limit, slot limit or predicted error");
  }
  return {};
}

/// That answers within the slot limit wrap around neither modulo the base nor modulo 2^answer_bits, and that
/// they can be decrypted.
Status check_answer(const LatencyPlan& plan, const Params& params) {
  const Status bits = check_switch(params, plan.answer_bits, plan.answer_dropped_bits);
  if (!bits.ok()) return refuse(bits.error().what());
  if (plan.answer_spare_bits > kMaxSwitchBits - plan.answer_bits)
    return refuse("answers with " + std::to_string(plan.answer_spare_bits) + " spare bits");
  const double scale = std::ldexp(plan.output_scale(), static_cast<int>(plan.answer_spare_bits));
  if (scale > largest_output_scale(plan) || rounding_may_wrap(plan)) {
    return refuse("answers within the slot limit may wrap around");
  }
  return {};
}

/// What a client must not take on trust from a server.
Status check(const LatencyPlan& plan) {
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  CRYPTOTL_TRY(check_packing(plan.packing));
  CRYPTOTL_TRY(check_chain(plan));
  CRYPTOTL_TRY(check_scales(plan));
  CRYPTOTL_TRY(check_ranges(plan));
  return check_answer(plan, **params);
}

}  // namespace

Result<LatencyPlan> LatencyPlan::from_json(const nlohmann::json& json) {
  try {
    LatencyPlan plan = unchecked_from_json(json);
    CRYPTOTL_TRY(check(plan));
    return plan;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::malformed, std::string("plan: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
