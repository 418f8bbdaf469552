#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cryptotl/ckks/params.h"
#include "cryptotl/data/embedder.h"
#include "cryptotl/data/scaler.h"
#include "cryptotl/network/network.h"
#include "cryptotl/plan/latency_plan.h"
#include "cryptotl/service/batch_metadata.h"

namespace cryptotl {

struct Model;

/// What a decrypted answer holds.
enum class Answers {
  features,  ///< the lower network's outputs
  scores     ///< those of the provider's output layer behind it, and random numbers in every other slot
};
std::string_view name(Answers answers);  ///< "features", "scores"

/// A route of scores has the model's name and this behind it.
inline constexpr std::string_view kScoresSuffix = "-scores";

/// What a server publishes of one of its routes: all that a client needs to make keys, scale, encrypt and
/// read answers, and nothing of the lower network's weights. Plan, keys and sizes are the route's own; the
/// model's digest is the same for both.
struct ModelMetadata {
  std::string name;
  Answers answers = Answers::features;
  Digest model_digest{};
  LatencyPlan plan;
  ParamsPtr params;
  MinMaxScaler scaler;
  EmbedderIdentity embedder;
  std::vector<std::string> labels;    ///< of the source; a score each, or one score for the second of two
  std::optional<Dense> output_layer;  ///< the provider's own head, where it is published
  std::vector<double> feature_mean,
      feature_deviation;  ///< of the source's features; empty where not published
  /// Where the server takes batches: those of fewest samples first, those that take one in each slot last. Of
  /// features only.
  std::vector<BatchMetadata> batches;

  /// Throws what Params::create refuses. Of scores neither the output layer nor the features' statistics are
  /// published.
  static ModelMetadata of(const Model& model, const LatencyPlan& plan, Answers answers = Answers::features);

  /// What the client applies to decrypted scores: "sigmoid" to one, which gives the probability of the second
  /// label, "softmax" to more. Of scores only.
  std::string_view score_function() const { return plan.output_width() == 1 ? "sigmoid" : "softmax"; }

  /// Bound on |error| of what is decrypted, whichever way it was asked for, for inputs encrypted with the
  /// secret key (ProgramPlan).
  double predicted_error() const;

  /// Exact sizes of the objects that travel, headers included.
  size_t request_bytes() const;
  /// Of an input that was encrypted with the public key: both parts travel.
  size_t public_request_bytes() const;
  size_t response_bytes() const;
  /// Of a client's keys, the public one included.
  size_t evaluation_key_bytes() const;

  /// The answer to GET /v2/models/{name}.
  nlohmann::json to_json() const;
  /// Checks all of it: the plan as LatencyPlan::from_json does, widths that fit together, digests, and that
  /// the sizes and the parameter id which the server names are those that follow from the plan.
  static Result<ModelMetadata> from_json(const nlohmann::json& json);
};

}  // namespace cryptotl
