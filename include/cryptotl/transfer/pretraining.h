#pragma once

#include <array>

#include "cryptotl/learn/pretrain.h"
#include "cryptotl/learn/private_training.h"
#include "cryptotl/plan/model.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/transfer/examples.h"

namespace cryptotl {

struct PretrainingOptions {
  std::string name = "cryptotl";   ///< of the model, in the service's routes
  std::optional<Network> network;  ///< trained in the place of one of `shape`
  LowerShape shape;                ///< the paper's by default
  bool train_activation = false;   ///< as in PretrainOptions
  ReplacementOptions replacement;  ///< of activations that are no polynomials
  bool publish_output_layer = true;
  TrainingOptions training;
  /// Trains with differential privacy: by DP-SGD from public weights, in the place of `training` and without
  /// validation rows; activations that are no polynomials are replaced on [-4, 4] before. Everything else
  /// that a model publishes then comes from the network, from settings and from public random rows
  /// (docs/privacy.md). Not with train_activation.
  std::optional<PrivacyOptions> privacy;
  /// Where the numbers of rows are expected, which is what scales them in private training: values half its
  /// length beyond are clipped. None is right for rows of length 1 (embeddings), and refuses others.
  std::optional<Interval> range;
};

struct PretrainedModel {
  Model model;
  LatencyPlan plan;
  Pretrained pretrained;                ///< empty for a private training
  std::optional<PrivacySpent> privacy;  ///< of a private training
};

/// The provider's side: scales the rows, trains the lower network on them, records the ranges of its values.
/// What no plan serves is refused before it is trained. Throws what check_shape(), pretrain(), fold() and
/// plan_latency() refuse, and malformed for labels of fewer than two classes or one row, and for rows wider
/// than kMaxLowerWidth.
PretrainedModel pretrain_model(const Examples& examples, const PretrainingOptions& options,
                               const ProgressFunction& progress = {});

/// The network with every activation that is no polynomial replaced on [-4, 4], where training draws its
/// inputs: what can be folded and planned before it is trained. Throws what replace_activations() refuses.
Network with_polynomials(const Network& network, size_t degree);

/// What was replaced, on which ranges, and loss and accuracy on the source's validation rows at each step.
nlohmann::json replacement_json(const ActivationReplacement& replacement);

/// The files of a model's folder, and what the server may have put beside them.
inline constexpr std::array kModelFiles = {"lower.onnx", "manifest.json"};
inline constexpr std::array kKeptModelFiles = {"keys"};

/// Writes the model's folder, whole or not at all. With `replace` an old model goes; the key store in it
/// stays.
Status save_whole_model(const std::filesystem::path& folder, const Model& model, bool replace);

}  // namespace cryptotl
