#include "cryptotl/transfer/plan_file.h"

#include <nlohmann/json.hpp>

#include "cryptotl/base/file.h"
#include "cryptotl/service/limits.h"
#include "transfer/sealed_json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr const char* kPlanFormat = "cryptotl-plan";
constexpr int kPlanVersion = 1;

}  // namespace

Digest plan_digest(const LatencyPlan& plan) { return digest(as_bytes(plan.to_json().dump())); }

std::string write_plan_file(const ModelMetadata& model) {
  ModelMetadata published = model;
  published.output_layer.reset();
  published.feature_mean.clear();
  published.feature_deviation.clear();
  published.batches.clear();
  return seal_json(
      {{"format", kPlanFormat}, {"format_version", kPlanVersion}, {"metadata", published.to_json()}});
}

Result<ModelMetadata> read_plan_file(const std::filesystem::path& path) {
  const auto bytes = read_file(path, kMaxMetadataBytes);
  if (!bytes.ok()) return bytes.error();
  const auto json = open_sealed_json(*bytes, path);
  if (!json.ok()) return json.error();
  if (json->value("format", Json()) != kPlanFormat)
    return in_file(path, ErrorCode::malformed, "not a plan.json as cryptotl keygen writes it");
  if (json->value("format_version", Json()) != kPlanVersion) {
    return in_file(path, ErrorCode::unsupported_version,
                   "format version " + json->value("format_version", Json()).dump() +
                       "; this build reads version " + std::to_string(kPlanVersion));
  }
  auto model = ModelMetadata::from_json(json->value("metadata", Json()));
  if (!model.ok()) return in_file(path, model.error());
  return model;
}

}  // namespace cryptotl
