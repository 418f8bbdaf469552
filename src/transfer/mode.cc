#include "cryptotl/transfer/mode.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/base/number_text.h"

namespace cryptotl {
namespace {

/// "850 ms", "3.2 s"
std::string time_text(double milliseconds) {
  return milliseconds < 1000 ? number_text(milliseconds) + " ms" : number_text(milliseconds / 1000) + " s";
}

std::string counted(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : what.ends_with('h') ? "es" : "s");
}

/// Why there can be no batches; empty where there can.
std::string hindrance(const ModelMetadata& model, bool encrypted) {
  if (encrypted) return "inputs that a device encrypted go one by one";
  if (model.answers == Answers::scores) return "the provider's own scores come one by one";
  if (model.batches.empty()) return "this server takes no batches";
  return "";
}

}  // namespace

std::string_view name(Mode mode) {
  if (mode == Mode::automatic) return "auto";
  return mode == Mode::latency ? "latency" : "batch";
}

std::optional<Mode> mode_named(std::string_view wanted) {
  for (const Mode mode : {Mode::automatic, Mode::latency, Mode::batch}) {
    if (name(mode) == wanted) return mode;
  }
  return std::nullopt;
}

size_t next_batch(std::span<const BatchMetadata> offers, size_t inputs) {
  size_t best = offers.size() - 1;
  if (inputs >= offers[best].plan.samples()) return best;
  const auto time = [&](const BatchMetadata& offer) {
    const size_t samples = offer.plan.samples();
    return static_cast<double>((inputs + samples - 1) / samples) * offer.batch_milliseconds;
  };
  for (size_t i = best; i-- > 0;) {
    if (time(offers[i]) < time(offers[best])) best = i;
  }
  return best;
}

std::vector<size_t> batches_of(std::span<const BatchMetadata> offers, size_t inputs) {
  std::vector<size_t> out;
  while (inputs > 0) {
    out.push_back(next_batch(offers, inputs));
    inputs -= std::min(inputs, offers[out.back()].plan.samples());
  }
  return out;
}

ModeChoice choose_mode(Mode asked, size_t inputs, const ModelMetadata& model, bool encrypted) {
  if (asked == Mode::latency) return {Mode::latency, "it was asked for"};
  const std::string hindered = hindrance(model, encrypted);
  if (asked == Mode::batch) {
    if (!hindered.empty()) throw Error(ErrorCode::invalid_argument, "no batches: " + hindered);
    return {Mode::batch, "it was asked for"};
  }
  if (!hindered.empty()) return {Mode::latency, hindered};
  const std::vector<size_t> batches = batches_of(model.batches, inputs);
  const double one_by_one = static_cast<double>(inputs) * model.batches.front().pass_milliseconds;
  double batched = 0;
  for (const size_t kind : batches) batched += model.batches[kind].batch_milliseconds;
  return {batched < one_by_one ? Mode::batch : Mode::latency,
          counted(inputs, "input") + " take about " + time_text(batched) + " of the server's time in " +
              counted(batches.size(), "batch") + ", " + time_text(one_by_one) + " one by one"};
}

}  // namespace cryptotl
