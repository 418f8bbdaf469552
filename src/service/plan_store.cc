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

std::optional<LatencyPlan> read_plan(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kPlanLimit);
  if (!bytes.ok()) return std::nullopt;
  const auto json = nlohmann::json::parse(as_text(*bytes), nullptr, false);
  auto plan = LatencyPlan::from_json(json);
  return plan.ok() ? std::optional(*std::move(plan)) : std::nullopt;
}

}  // namespace

Digest plan_wish(const Digest& model, const PlanOptions& options) {
  Label label("plan");
  label.add(model)
      .add(std::bit_cast<uint64_t>(options.precision))
      .add(uint64_t{options.random_slots})
      .add(as_bytes(CRYPTOTL_VERSION));
  return digest(label.view());
}

Result<LatencyPlan> settle_plan(const std::filesystem::path& folder, const Digest& wish,
                                const LatencyPlan& best, const KernelSpeeds& speeds) {
  const std::filesystem::path path = folder / ("plan-" + hex(wish).substr(0, 32) + ".json");
  if (auto settled = read_plan(path)) {
    const bool same_network = settled->packing.widths == best.packing.widths;
    if (same_network && pass_milliseconds(*settled, speeds) <= kWorthwhile * pass_milliseconds(best, speeds))
      return *std::move(settled);
  }
  CRYPTOTL_TRY(write_file(path, as_bytes(best.to_json().dump())));
  return best;
}

}  // namespace cryptotl
