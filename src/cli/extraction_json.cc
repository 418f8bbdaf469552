#include "cli/extraction_json.h"

#include <algorithm>

#include "cryptotl/transfer/mode.h"

namespace cryptotl {
namespace {

nlohmann::json mean(const std::vector<double>& values) {
  if (values.empty()) return nullptr;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

void add_extraction(nlohmann::json& json, const std::optional<Extraction>& extraction) {
  if (!extraction) return;
  json["clipped_rows"] = std::ranges::count_if(extraction->clipped, [](size_t values) { return values > 0; });
  json["flagged_rows"] = extraction->flagged.size() - extraction->usable().size();
  json["mode"] = name(extraction->batched ? Mode::batch : Mode::latency);
  json["cached"] = extraction->cached;
  json["prepared"] = extraction->prepared;
  json["server_ms_mean"] = mean(extraction->times.server);
  json["round_trip_ms_mean"] = mean(extraction->times.round_trip);
  json["client_encrypt_ms_mean"] = mean(extraction->times.encrypt);
  json["client_decrypt_ms_mean"] = mean(extraction->times.decrypt);
}

std::string from_cache(const std::optional<Extraction>& extraction) {
  if (!extraction || extraction->cached == 0) return "";
  return " (" + std::to_string(extraction->cached) + " from the cache)";
}

}  // namespace cryptotl
