#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/network/approximation.h"
#include "cryptotl/plan/latency_plan.h"
#include "cryptotl/plan/model.h"
#include "cryptotl/transfer/examples.h"

namespace cryptotl {

/// A network that something else than `pretrain` has made, as its file holds it.
struct ForeignWeights {
  std::string source;                  ///< the file, for messages
  Network network;                     ///< with its head, where the file does not keep that apart
  std::optional<Dense> output_layer;   ///< where it does
  std::optional<MinMaxScaler> scaler;  ///< where the file has one
  bool keeps_head_apart = false;       ///< an NPZ file does: its network is all in front of the features
};

/// Reads an ONNX file or an NPZ file, recognised by its content; the errors of read_onnx and read_npz.
Result<ForeignWeights> read_weights(const std::filesystem::path& path);

/// What of the network is its head: the layers that the provider trained for its own labels, which stand
/// behind the features that a client is given.
enum class HeadCut : uint8_t {
  automatic,   ///< Dense(1) with or without a Sigmoid, or Dense(classes) with a Softmax, behind an activation
  last_layer,  ///< the last Dense, with the Sigmoid or Softmax behind it if there is one
  none,        ///< nothing: the features are the network's outputs
};

struct ImportOptions {
  std::string name = "cryptotl";  ///< of the model, in the service's routes
  /// The network takes rows that are min-max scaled already. Otherwise it takes rows as the data has them,
  /// and what scales them for encryption is undone before its first layer. Where the weights bring a scaler
  /// of their own, the network takes what that makes, whatever this says.
  bool takes_scaled_rows = false;
  HeadCut head = HeadCut::automatic;
  size_t degree = 3;    ///< at most, of the polynomials in place of Relu, Sigmoid, Tanh and Gelu
  double margin = 0.1;  ///< of the ranges that those are made for
  bool publish_output_layer = true;
};

struct ImportedModel {
  Model model;
  LatencyPlan plan;
  std::vector<ReplacedActivation> activations;
  /// The largest change of a feature, on the rows, that replacing the activations made.
  double feature_change = 0;
  /// Of the network's own head on the rows, where it has one and they have labels: with the network's own
  /// activations, and with the polynomials in their place.
  std::optional<double> accuracy, replaced_accuracy;
};

/// A model that can be served, from weights and rows of the provider's: the rows show the ranges of all
/// values (a few hundred do), fit the scaler where the weights have none, and name the labels of the head, in
/// their sorted order; rows without labels leave them numbered.
///
/// Throws parameter_mismatch where rows and network have different widths, malformed where the labels are not
/// as many as the head's outputs, and what replace_activations(), fold() and plan_latency() refuse, with the
/// file before it.
ImportedModel import_model(const ForeignWeights& weights, const Examples& rows, const ImportOptions& options,
                           const ProgressFunction& progress = {});

}  // namespace cryptotl
