#include "service/plan_store.h"

#include <bit>
#include <nlohmann/json.hpp>
#include <optional>

#include "cryptotl/base/file.h"
#include "cryptotl/base/random.h"

namespace cryptotl {
namespace {

constexpr size_t kPlanLimit = size_t{1} << 20;
constexpr double kWorthwhile = 1.2;

std::optional<LatencyPlan> read_plan(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kPlanLimit);
  if (!bytes.ok()) return std::nullopt;
  const auto json = nlohmann::json::parse(as_text(*bytes), nullptr, false);
  auto plan = LatencyPlan::from_json(json);
  return plan.ok() ? std::optional(*std::move(plan)) : std::nullopt;
}

}  // namespace

Result<LatencyPlan> plan_for_machine(const FoldedNetwork& network, const Calibration& calibration,
                                     const PlanOptions& options) {
  auto best = plan_latency(network, calibration, options);
  if (!best.ok()) return best;
  PlanOptions usual_options = options;
  usual_options.speeds = KernelSpeeds::reference();
  auto usual = plan_latency(network, calibration, usual_options);
  const bool worthwhile = !usual.ok() || pass_milliseconds(*usual, options.speeds) >
                                             kWorthwhile * pass_milliseconds(*best, options.speeds);
  return worthwhile ? best : usual;
}

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
