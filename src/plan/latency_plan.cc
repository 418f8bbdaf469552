#include "cryptotl/plan/latency_plan.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/rns/automorphism.h"
#include "plan/program_json.h"
#include "scales.h"

namespace cryptotl {
namespace {

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "plan: " + why); }

}  // namespace

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

double LatencyPlan::noise_of_coefficient() const {
  return coefficient_deviation(std::hypot(flood_deviation, output_noise));
}

nlohmann::json LatencyPlan::to_json() const {
  nlohmann::json out = program_json(*this);
  for (size_t i = 0; i < matrices.size(); ++i) out["matrices"][i]["baby_steps"] = matrices[i].baby_steps;
  out.update({{"widths", packing.widths},
              {"block", packing.block},
              {"shift", packing.shift},
              {"output_window", packing.output_window},
              {"output_stride", packing.output_stride},
              {"output_copies", packing.output_copies},
              {"random_limit", random_limit},
              {"other_deviation", other_deviation},
              {"matrix_deviation", matrix_deviation},
              {"output_noise", output_noise},
              {"predicted_error_public", predicted_error_public}});
  return out;
}

namespace {

/// The plan as the JSON states it; throws on missing or mistyped members.
LatencyPlan unchecked_from_json(const nlohmann::json& json) {
  LatencyPlan plan;
  read_program_json(json, plan);
  plan.packing.log_n = plan.params.log_n;
  plan.packing.widths = json.at("widths").get<std::vector<size_t>>();
  plan.packing.block = json.at("block").get<size_t>();
  plan.packing.shift = json.at("shift").get<size_t>();
  plan.packing.output_window = json.at("output_window").get<size_t>();
  plan.packing.output_stride = json.at("output_stride").get<size_t>();
  plan.packing.output_copies = json.at("output_copies").get<size_t>();
  for (size_t i = 0; i < plan.matrices.size(); ++i)
    plan.matrices[i].baby_steps = json.at("matrices").at(i).at("baby_steps").get<size_t>();
  plan.random_limit = json.at("random_limit").get<double>();
  plan.other_deviation = json.at("other_deviation").get<double>();
  plan.matrix_deviation = json.at("matrix_deviation").get<double>();
  plan.output_noise = json.at("output_noise").get<double>();
  plan.predicted_error_public = json.at("predicted_error_public").get<double>();
  return plan;
}

/// What a client must not take on trust from a server.
Status check(const LatencyPlan& plan) {
  const auto params = Params::create(plan.params);
  if (!params.ok()) return params.error();
  CRYPTOTL_TRY(check_packing(plan.packing));
  if (plan.packing.widths.size() != plan.matrices.size() + 1)
    return refuse("matrices, activations and widths do not fit together");
  CRYPTOTL_TRY(check_program(plan));
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    if (!valid_baby_steps(plan.matrices[i].baby_steps, plan.packing.diagonals(i)))
      return refuse("matrix " + std::to_string(i + 1) + " has a number of baby steps that cannot be");
  }
  for (const double size :
       {plan.random_limit, plan.other_deviation, plan.matrix_deviation, plan.output_noise}) {
    if (!(size >= 0 && size <= plan.slot_limit)) return refuse("noise or random numbers out of bounds");
  }
  CRYPTOTL_TRY(check_added_noise(plan, std::hypot(plan.flood_deviation, plan.output_noise)));
  if (!std::isfinite(plan.predicted_error_public) || plan.predicted_error_public <= 0)
    return refuse("no predicted error for inputs of the public key");
  return {};
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
