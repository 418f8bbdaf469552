#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "answer_rounding.h"
#include "cryptotl/ckks/gaussian.h"
#include "cryptotl/ckks/noise.h"
#include "cryptotl/ckks/switched_ciphertext.h"
#include "cryptotl/plan/activation_circuit.h"
#include "plan/program_json.h"
#include "scales.h"

namespace cryptotl {
namespace {

constexpr double kWrapWarning = 0.75;  // of half the modulus of an answer
constexpr size_t kMaxMatrices = 16;
constexpr size_t kMaxDrop = 4;

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

}  // namespace

double ProgramPlan::rescaled(double scale, size_t limbs, size_t drop) const {
  for (size_t i = 0; i < drop; ++i) scale /= params.primes[limbs - 1 - i];
  return scale;
}

Register ProgramPlan::matrix_input(size_t i) const {
  if (i == 0) return {matrices[0].limbs, input_scale};
  return {matrices[i].limbs, registers(i - 1).back().scale};
}

Register ProgramPlan::matrix_output(size_t i) const {
  const MatrixPlan& matrix = matrices[i];
  return {matrix.limbs - matrix.drop,
          rescaled(matrix_input(i).scale * matrix.scale, matrix.limbs, matrix.drop)};
}

double ProgramPlan::answer_scale() const {
  return std::ldexp(output_scale() / modulus_of(params, params.base_limbs),
                    static_cast<int>(answer_bits + answer_spare_bits));
}

double ProgramPlan::coefficient_deviation(double output_deviation) const {
  const size_t n = noise_dimension(size_t{1} << params.log_n, params.ring);
  return output_deviation * output_scale() / slot_deviation(1, n, params.ring);
}

std::vector<Register> ProgramPlan::registers(size_t i) const {
  std::vector<Register> out = {matrix_output(i)};
  for (const Product& product : activation_products(activations[i].degree)) {
    const size_t limbs = std::min(out[product.left].limbs, out[product.right].limbs);
    const size_t drop = activations[i].drops[product.depth - 1];
    out.push_back({limbs - drop, rescaled(out[product.left].scale * out[product.right].scale, limbs, drop)});
  }
  return out;
}

bool may_have_wrapped(const ProgramPlan& plan, std::span<const double> coefficients) {
  const double limit = kWrapWarning * std::exp2(plan.answer_bits) / 2;
  return std::ranges::any_of(coefficients, [&](double value) { return std::abs(value) > limit; });
}

nlohmann::json program_json(const ProgramPlan& plan) {
  nlohmann::json maps = nlohmann::json::array();
  for (const MatrixPlan& matrix : plan.matrices) {
    maps.push_back({{"limbs", matrix.limbs}, {"drop", matrix.drop}, {"scale", matrix.scale}});
  }
  nlohmann::json powers = nlohmann::json::array();
  for (const ActivationPlan& activation : plan.activations) {
    powers.push_back({{"degree", activation.degree}, {"drops", activation.drops}});
  }
  nlohmann::json terms = nlohmann::json::array();
  for (const NoiseTerm& term : plan.noise)
    terms.push_back({{"name", term.name}, {"deviation", term.deviation}});
  return {
      {"ring_degree_log2", plan.params.log_n},
      {"primes", plan.params.primes},
      {"special_primes", plan.params.special_primes},
      {"base_limbs", plan.params.base_limbs},
      {"matrices", maps},
      {"activations", powers},
      {"input_scale", plan.input_scale},
      {"answer_bits", plan.answer_bits},
      {"answer_dropped_bits", plan.answer_dropped_bits},
      {"answer_spare_bits", plan.answer_spare_bits},
      {"input_range", {plan.input_range.low, plan.input_range.high}},
      {"output_limit", plan.output_limit},
      {"slot_limit", plan.slot_limit},
      {"predicted_error", plan.predicted_error},
      {"evaluation_deviation", plan.evaluation_deviation},
      {"flood_deviation", plan.flood_deviation},
      {"noise", terms},
  };
}

void read_program_json(const nlohmann::json& json, ProgramPlan& plan) {
  plan.params.log_n = json.at("ring_degree_log2").get<size_t>();
  plan.params.primes = json.at("primes").get<std::vector<uint32_t>>();
  plan.params.special_primes = json.at("special_primes").get<std::vector<uint32_t>>();
  plan.params.base_limbs = json.at("base_limbs").get<size_t>();
  for (const auto& matrix : json.at("matrices")) {
    MatrixPlan& out = plan.matrices.emplace_back();
    out.limbs = matrix.at("limbs").get<size_t>();
    out.drop = matrix.at("drop").get<size_t>();
    out.scale = matrix.at("scale").get<double>();
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
  plan.predicted_error = json.at("predicted_error").get<double>();
  plan.evaluation_deviation = json.at("evaluation_deviation").get<double>();
  plan.flood_deviation = json.at("flood_deviation").get<double>();
  for (const auto& term : json.at("noise")) {
    plan.noise.push_back({term.at("name").get<std::string>(), term.at("deviation").get<double>()});
  }
}

namespace {

bool positive(double value) { return std::isfinite(value) && value > 0; }

/// That the steps take every prime but the base's, one after the other.
Status check_chain(const ProgramPlan& plan) {
  if (plan.matrices.size() < 2 || plan.matrices.size() > kMaxMatrices ||
      plan.activations.size() + 1 != plan.matrices.size()) {
    return refuse("matrices and activations do not fit together");
  }
  size_t limbs = plan.top_limbs();
  const auto spend = [&](size_t drop) {
    if (drop > kMaxDrop || drop >= limbs) return false;
    limbs -= drop;
    return true;
  };
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    const MatrixPlan& matrix = plan.matrices[i];
    if (matrix.limbs != limbs || !spend(matrix.drop)) {
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

Status check_scales(const ProgramPlan& plan) {
  const auto sound = [](double scale) { return positive(scale) && scale >= 0x1p8; };
  const auto integer = [&](double scale) { return sound(scale) && scale <= 0x1p120; };
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

Status check_ranges(const ProgramPlan& plan) {
  if (!std::isfinite(plan.input_range.low) || !std::isfinite(plan.input_range.high) ||
      plan.input_range.low > plan.input_range.high ||
      std::max(std::abs(plan.input_range.low), std::abs(plan.input_range.high)) > 1e6) {
    return refuse("the input range is not one");
  }
  if (!positive(plan.output_limit) || !positive(plan.slot_limit) || !positive(plan.predicted_error)) {
    return refuse("no output limit, slot limit or predicted error");
  }
  for (const double deviation : {plan.evaluation_deviation, plan.flood_deviation}) {
    if (!(deviation >= 0 && deviation <= plan.slot_limit)) return refuse("noise out of bounds");
  }
  return {};
}

/// That answers within the slot limit wrap around neither modulo the base nor modulo 2^answer_bits, and that
/// they can be decrypted.
Status check_answer(const ProgramPlan& plan, const Params& params) {
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

}  // namespace

Status check_added_noise(const ProgramPlan& plan, double output_deviation) {
  if (!(plan.coefficient_deviation(output_deviation) <= kLargestGaussianDeviation) ||
      noise_may_wrap(plan, output_deviation)) {
    return refuse("so much noise that answers may wrap around");
  }
  return {};
}

Status check_program(const ProgramPlan& plan) {
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  CRYPTOTL_TRY(check_chain(plan));
  CRYPTOTL_TRY(check_scales(plan));
  CRYPTOTL_TRY(check_ranges(plan));
  return check_answer(plan, **params);
}

}  // namespace cryptotl
