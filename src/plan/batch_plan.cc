#include "cryptotl/plan/batch_plan.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "cryptotl/ckks/zero_encryption.h"
#include "cryptotl/plan/activation_circuit.h"
#include "cryptotl/plan/packing.h"
#include "cryptotl/rns/automorphism.h"
#include "plan/program_json.h"

namespace cryptotl {
namespace {

Error refuse(const std::string& why) { return Error(ErrorCode::invalid_argument, "batch plan: " + why); }

Status check(const BatchPlan& plan) {
  CRYPTOTL_TRY(check_program(plan));
  if (plan.widths.size() != plan.matrices.size() + 1)
    return refuse("matrices, activations and widths do not fit together");
  if (!valid_block(plan.block))
    return refuse("blocks of " + std::to_string(plan.block) + " features; none or a power of two from 4 to " +
                  std::to_string(kMaxBlock) + " are right");
  for (const size_t width : plan.widths) {
    if (width == 0 || width > kMaxEncryptedWidth)
      return refuse("a width of " + std::to_string(width) + "; 1 to " + std::to_string(kMaxEncryptedWidth) +
                    " are encrypted");
  }
  if (plan.coefficient_deviation(plan.flood_deviation) > ZeroEncryption::kLargestFlood)
    return refuse("Gaussian noise out of bounds");
  return check_added_noise(plan, plan.flood_deviation);
}

}  // namespace

bool valid_block(size_t block) {
  return block == 1 || (block >= 4 && block <= kMaxBlock && std::has_single_bit(block));
}

/// Half of a block, since a rotated sum costs less than a rotated row; of the smallest blocks all, whose few
/// baby steps share one decomposition.
size_t baby_steps(size_t block) { return block > kRotationBase ? block / 2 : block; }

std::vector<int> giant_steps(size_t block) {
  const auto baby = static_cast<int>(baby_steps(block));
  if (baby_steps(block) == block) return {0, -baby};
  return {0, baby, -baby, -2 * baby};
}

std::vector<int> rotations_of(const BatchPlan& plan) {
  std::vector<int> out;
  if (!plan.has_blocks()) return out;
  const size_t baby = baby_steps(plan.block);
  for (size_t digit = 1; digit < baby; digit *= kRotationBase) {
    for (size_t steps = digit; steps < std::min(baby, kRotationBase * digit); steps += digit)
      out.push_back(static_cast<int>(steps));
  }
  for (const int steps : giant_steps(plan.block)) {
    if (steps != 0) out.push_back(steps);
  }
  return out;
}

std::vector<KeyRequest> required_keys(const BatchPlan& plan) {
  size_t limbs = 0;
  for (size_t i = 0; i < plan.activations.size(); ++i) limbs = std::max(limbs, plan.registers(i)[0].limbs);
  std::vector<KeyRequest> out = {{kRelinearisation, limbs}};
  for (const int steps : rotations_of(plan)) {
    out.push_back({galois_element_of_rotation(steps, plan.params.log_n, plan.params.ring), plan.top_limbs()});
  }
  return out;
}

nlohmann::json BatchPlan::to_json() const {
  nlohmann::json out = program_json(*this);
  out.update({{"widths", widths}, {"block", block}, {"narrow_entries", narrow_entries}});
  return out;
}

Result<BatchPlan> BatchPlan::from_json(const nlohmann::json& json) {
  try {
    BatchPlan plan;
    read_program_json(json, plan);
    plan.params.ring = Ring::conjugate_invariant;
    plan.widths = json.at("widths").get<std::vector<size_t>>();
    plan.block = json.at("block").get<size_t>();
    plan.narrow_entries = json.at("narrow_entries").get<bool>();
    CRYPTOTL_TRY(check(plan));
    return plan;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::malformed, std::string("batch plan: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
