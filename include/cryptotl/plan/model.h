#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/base/digest.h"
#include "cryptotl/data/embedder.h"
#include "cryptotl/data/scaler.h"
#include "cryptotl/network/network.h"
#include "cryptotl/plan/calibration.h"

namespace cryptotl {

/// Everything that a provider serves: the lower network and what a client must know to use it.
struct Model {
  std::string name = "cryptotl";
  Network lower;
  MinMaxScaler scaler;
  EmbedderIdentity embedder;
  Calibration calibration;
  std::vector<std::string> labels;  ///< of the source; a client's labels need not be the same
  std::optional<Dense>
      output_layer;  ///< the provider's own head [1 or classes][features], where it is published
  std::optional<Calibration> score_calibration;  ///< of the lower network with output_layer behind it
  std::vector<double> feature_mean,
      feature_deviation;  ///< of the source's features; empty where not published
  nlohmann::json training = nlohmann::json::object();  ///< how it was trained, for people to read
  nlohmann::json privacy;  ///< what training spent of its rows' privacy (learn); null: it had no such bounds
};

/// Writes DIR/lower.onnx and DIR/manifest.json (the latter last, so a half-written folder is no model).
Status save_model(const std::filesystem::path& directory, const Model& model);

/// Reads both back; refuses another format version, a network that does not match the manifest's digest, and
/// parts that do not fit together.
Result<Model> load_model(const std::filesystem::path& directory);

/// BLAKE2b of lower.onnx and of the manifest without its own digest: names the model.
Digest model_digest(const Model& model);

}  // namespace cryptotl
