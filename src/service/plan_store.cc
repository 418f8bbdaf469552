#include "service/plan_store.h"

#include <bit>
#include <nlohmann/json.hpp>
#include <optional>

#include "cryptotl/base/file.h"
#include "cryptotl/base/random.h"
#include "cryptotl/service/machine_plan.h"

namespace cryptotl {
namespace {

constexpr size_t kPlanLimit = size_t{1} << 20;

const std::vector<size_t>& widths(const LatencyPlan& plan) { return plan.packing.widths; }
const std::vector<size_t>& widths(const BatchPlan& plan) { return plan.widths; }

Digest wish_of(std::string_view kind, const Digest& model, const PlanOptions& options) {
  Label label(kind);
  label.add(model)
      .add(std::bit_cast<uint64_t>(options.precision))
      .add(uint64_t{options.outputs_alone})
      .add(std::bit_cast<uint64_t>(options.privacy.statistical_bits))
      .add(std::bit_cast<uint64_t>(options.privacy.answers))
      .add(std::bit_cast<uint64_t>(options.output_noise))
      .add(as_bytes(CRYPTOTL_VERSION));
  return digest(label.view());
}

template <typename Plan>
std::optional<Plan> read_plan(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kPlanLimit);
  if (!bytes.ok()) return std::nullopt;
  const auto json = nlohmann::json::parse(as_text(*bytes), nullptr, false);
  auto plan = Plan::from_json(json);
  return plan.ok() ? std::optional(*std::move(plan)) : std::nullopt;
}

template <typename Plan>
Result<Plan> settle(const std::filesystem::path& folder, const Digest& wish, const Plan& best,
                    const KernelSpeeds& speeds) {
  const std::filesystem::path path = folder / ("plan-" + hex(wish).substr(0, 32) + ".json");
  if (auto settled = read_plan<Plan>(path)) {
    const bool same_network = widths(*settled) == widths(best);
    if (same_network && running_cost(*settled, speeds) <= kWorthwhile * running_cost(best, speeds))
      return *std::move(settled);
  }
  CRYPTOTL_TRY(write_file(path, as_bytes(best.to_json().dump())));
  return best;
}

}  // namespace

Digest plan_wish(const Digest& model, const PlanOptions& options) { return wish_of("plan", model, options); }

Digest batch_plan_wish(const Digest& model, const PlanOptions& options) {
  const std::string kind = "batch plan of " + std::to_string(options.samples);
  return wish_of(kind, model, options);
}

Result<LatencyPlan> settle_plan(const std::filesystem::path& folder, const Digest& wish,
                                const LatencyPlan& best, const KernelSpeeds& speeds) {
  return settle(folder, wish, best, speeds);
}

Result<BatchPlan> settle_plan(const std::filesystem::path& folder, const Digest& wish, const BatchPlan& best,
                              const KernelSpeeds& speeds) {
  return settle(folder, wish, best, speeds);
}

}  // namespace cryptotl
