#include "cryptotl/transfer/pretraining.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cryptotl/data/labels.h"
#include "cryptotl/network/folding.h"
#include "cryptotl/transfer/temporary_folder.h"
#include "transfer/private_pretraining.h"

namespace cryptotl {
namespace {

/// Recorded on the rows; planned, too, so that what no plan fits is refused.
LatencyPlan calibrated_plan(const Network& lower, const Matrix& scaled, Calibration& calibration) {
  const FoldedNetwork folded = fold(lower).value();
  calibration = calibrate(folded, scaled);
  return plan_latency(folded, calibration).value();
}

/// The coefficients of every activation, the constant first.
nlohmann::json activations_json(const Network& lower) {
  nlohmann::json out = nlohmann::json::array();
  for (const Layer& layer : lower.layers) {
    if (const auto* polynomial = std::get_if<Polynomial>(&layer)) out.push_back(polynomial->coefficients);
  }
  return out;
}

nlohmann::json validation_json(const Epoch& epoch) {
  return {{"validation_loss", epoch.validation_loss}, {"validation_accuracy", epoch.validation_accuracy}};
}

nlohmann::json training_record(const Examples& examples, const TrainingOptions& options,
                               const Pretrained& trained) {
  nlohmann::json curve = nlohmann::json::array();
  for (const Epoch& epoch : trained.curve) curve.push_back({epoch.train_loss, epoch.validation_loss});
  nlohmann::json out = {{"rows", examples.rows()},
                        {"labels", examples.label_counts()},
                        {"seed", options.seed},
                        {"epochs", options.epochs},
                        {"batch", options.batch},
                        {"learning_rate", options.learning_rate},
                        {"weight_decay", options.weight_decay},
                        {"validation_loss", trained.validation_loss},
                        {"validation_accuracy", trained.validation_accuracy},
                        {"activations", activations_json(trained.lower)},
                        {"train_and_validation_loss", std::move(curve)}};
  if (trained.replacement) out["replacement"] = replacement_json(*trained.replacement);
  return out;
}

/// One row of a label trains and one validates.
void require_two_rows_of_each_label(const Examples& examples) {
  for (const auto& [label, rows] : examples.label_counts()) {
    if (rows >= 2) continue;
    throw Error(ErrorCode::malformed, examples.source + ": label '" + label +
                                          "' has 1 row; training needs at least 2 of each label");
  }
}

}  // namespace

Network with_polynomials(const Network& network, size_t degree) {
  const auto functions = static_cast<size_t>(std::ranges::count_if(network.layers, is_replaceable));
  const std::vector<Interval> paper_range(functions, {-4, 4});
  return replace_activations(network, paper_range, degree).value().network;
}

nlohmann::json replacement_json(const ActivationReplacement& replacement) {
  nlohmann::json activations = nlohmann::json::array();
  for (const ReplacedActivation& one : replacement.activations) {
    activations.push_back({{"layer", one.layer + 1},
                           {"function", one.function},
                           {"degree", one.degree},
                           {"range", {one.interval.low, one.interval.high}},
                           {"max_error", one.max_error}});
  }
  nlohmann::json degrees = nlohmann::json::array();
  for (const DegreeComparison& one : replacement.degrees) {
    degrees.push_back(validation_json(one.with_polynomials));
    degrees.back().update({{"degree", one.degree}, {"max_error", one.max_error}});
  }
  return {{"activations", std::move(activations)},
          {"degrees", std::move(degrees)},
          {"with_functions", validation_json(replacement.with_functions)},
          {"with_polynomials", validation_json(replacement.with_polynomials)},
          {"fine_tuned", validation_json(replacement.fine_tuned)},
          {"fine_tune_epochs", replacement.curve.size()}};
}

PretrainedModel pretrain_model(const Examples& examples, const PretrainingOptions& options,
                               const ProgressFunction& progress) {
  const LabelSet labels = index_labels(examples.labels, examples.source).value();
  require_two_rows_of_each_label(examples);
  if (examples.embeddings.cols > kMaxLowerWidth) {
    throw Error(ErrorCode::malformed, examples.source + " has " + std::to_string(examples.embeddings.cols) +
                                          " feature columns; 1 to " + std::to_string(kMaxLowerWidth) +
                                          " are possible");
  }
  const size_t width = examples.embeddings.cols;
  if (options.network && options.network->input_width != width) {
    throw Error(ErrorCode::parameter_mismatch, examples.source + " has " + std::to_string(width) +
                                                   " feature columns; the network takes " +
                                                   std::to_string(options.network->input_width));
  }
  if (options.privacy) return pretrain_model_privately(examples, options, progress);
  PretrainedModel out;
  Model& model = out.model;
  model.name = options.name;
  model.scaler = MinMaxScaler::fit(examples.embeddings);
  model.embedder = examples.embedder;
  model.labels = labels.names;
  Matrix scaled = examples.embeddings;
  model.scaler.apply(scaled);

  const std::vector<size_t> first_row = {0};
  PretrainOptions learning;
  learning.training = options.training;
  learning.network = options.network;
  learning.shape = options.shape;
  learning.train_activation = options.train_activation;
  learning.replacement = options.replacement;
  const Network start =
      options.network ? *options.network : lower_network(width, options.shape, options.training.seed);
  calibrated_plan(with_polynomials(start, options.replacement.degree), take_rows(scaled, first_row),
                  model.calibration);

  out.pretrained = pretrain(scaled, labels.index, learning, progress);
  model.lower = out.pretrained.lower;
  if (options.publish_output_layer) model.output_layer = out.pretrained.output_layer;
  model.feature_mean = out.pretrained.feature_mean;
  model.feature_deviation = out.pretrained.feature_deviation;
  model.training = training_record(examples, options.training, out.pretrained);
  out.plan = calibrated_plan(model.lower, scaled, model.calibration);
  if (model.output_layer) {
    model.score_calibration = calibrate(append(fold(model.lower).value(), *model.output_layer), scaled);
  }
  return out;
}

Status save_whole_model(const std::filesystem::path& folder, const Model& model, bool replace) {
  auto staged = StagedFolder::begin(folder, kModelFiles, replace, kKeptModelFiles);
  if (!staged.ok()) return staged.error();
  CRYPTOTL_TRY(save_model(staged->path(), model));
  using std::filesystem::perms;
  return staged->commit(perms::owner_all | perms::group_read | perms::group_exec | perms::others_read |
                        perms::others_exec);
}

}  // namespace cryptotl
