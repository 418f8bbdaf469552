#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/ckks/params.h"
#include "cryptotl/data/embedder.h"
#include "cryptotl/data/scaler.h"
#include "cryptotl/network/network.h"
#include "cryptotl/plan/latency_plan.h"
#include "cryptotl/plan/model.h"

namespace cryptotl {

/// What a server publishes of its model: all that a client needs to make keys, scale, encrypt and read
/// answers, and nothing of the lower network's weights.
struct ModelMetadata {
  std::string name;
  Digest model_digest{};
  LatencyPlan plan;
  ParamsPtr params;
  MinMaxScaler scaler;
  EmbedderIdentity embedder;
  std::vector<std::string> labels;    ///< of the source
  std::optional<Dense> output_layer;  ///< the provider's own head, where it is published
  std::vector<double> feature_mean,
      feature_deviation;  ///< of the source's features; empty where not published

  /// Throws what Params::create refuses.
  static ModelMetadata of(const Model& model, const LatencyPlan& plan);

  /// Exact sizes of the objects that travel, headers included.
  size_t request_bytes() const;
  /// Of an input that was encrypted with the public key: both parts travel.
  size_t public_request_bytes() const;
  size_t response_bytes() const;
  size_t evaluation_key_bytes() const;

  /// The answer to GET /v2/models/{name}.
  nlohmann::json to_json() const;
  /// Checks all of it: the plan as LatencyPlan::from_json does, widths that fit together, digests, and that
  /// the sizes and the parameter id which the server names are those that follow from the plan.
  static Result<ModelMetadata> from_json(const nlohmann::json& json);
};

}  // namespace cryptotl
