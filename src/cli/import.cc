#include <map>

#include "cli/command.h"
#include "cli/table.h"
#include "cryptotl/base/progress.h"
#include "cryptotl/transfer/importing.h"
#include "cryptotl/transfer/pretraining.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

struct Options {
  std::string weights, data, labels, label, embedder, model;
  ImportOptions import;
  bool private_output_layer = false;
  bool force = false;
};

const std::map<std::string, HeadCut> kHeads{
    {"auto", HeadCut::automatic}, {"last", HeadCut::last_layer}, {"none", HeadCut::none}};

void define(CLI::App& verb, Options& options) {
  verb.add_option("--weights", options.weights, "ONNX file (from PyTorch or Keras, say) or NPZ file")
      ->required();
  verb.add_option("--calibration-data", options.data,
                  "rows of the provider's that show the ranges of all values: CSV or NPY, as for pretrain")
      ->required();
  verb.add_option("--labels", options.labels, "labels of an NPY file: NPY of integers, or one label a line");
  verb.add_option("--label", options.label,
                  "the label's column of a CSV, by name or number (default: label, or the last if there is "
                  "one more than inputs)");
  verb.add_option("--embedder", options.embedder, "where numbers come from, such as all-mpnet-base-v2");
  verb.add_option("--model", options.model, "folder of the model to be made")->required();
  verb.add_option("--name", options.import.name, "of the model, in the service's routes")
      ->capture_default_str();
  verb.add_option("--degree", options.import.degree,
                  "at most, of the polynomials in place of Relu, Sigmoid, Tanh and Gelu")
      ->check(CLI::Range(size_t{1}, kMaxApproximationDegree))
      ->capture_default_str();
  verb.add_option("--margin", options.import.margin,
                  "by which the range of an activation is widened on both sides, as a part of it")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  verb.add_flag(
      "--scaled-inputs", options.import.takes_scaled_rows,
      "the network of an ONNX file was trained on rows scaled to [0, 1] (default: on rows as they are)");
  verb.add_option_function<std::string>(
          "--cut", [&](const std::string& head) { options.import.head = kHeads.at(head); },
          "what of an ONNX file is its head: auto (Dense(1), or Dense and Softmax, at its end), last "
          "(its last Dense) or none")
      ->check(CLI::IsMember(kHeads))
      ->default_str("auto");
  verb.add_flag("--private-output-layer", options.private_output_layer,
                "do not publish the layer that scores the source's labels");
  add_force(verb, options.force);
}

std::string text_of(const Options& options, const ImportedModel& made, const std::string& digest) {
  std::string text =
      options.model + ": model " + digest.substr(0, 16) + " from " + options.weights + ", " +
      std::to_string(made.plan.input_width()) + " inputs, " + std::to_string(made.plan.output_width()) +
      " features, predicted error of encrypted features " + brief(made.plan.predicted_error) + "\n";
  for (const ReplacedActivation& activation : made.activations) {
    text += "layer " + std::to_string(activation.layer + 1) + " (" + activation.function +
            "): a polynomial of degree " + std::to_string(activation.degree) + " on [" +
            brief(activation.interval.low) + ", " + brief(activation.interval.high) + "], largest error " +
            brief(activation.max_error) + "\n";
  }
  if (!made.activations.empty()) {
    text += "largest change of a feature by that: " + brief(made.feature_change) + "\n";
  }
  if (made.accuracy) {
    text += "accuracy of the network's own head on these rows: " + fixed(100 * *made.accuracy, 1) + " %";
    if (!made.activations.empty())
      text += ", with the polynomials " + fixed(100 * *made.replaced_accuracy, 1) + " %";
    text += "\n";
  }
  return text;
}

/// The rows, with labels or without. A CSV of numbers that says neither has labels in its last column, unless
/// the network takes all its columns.
Examples read_rows(const Options& options, size_t inputs) {
  const auto read = [&options](bool expects_labels) {
    return read_data(options.data, options.labels, options.label, options.embedder, expects_labels);
  };
  if (!options.labels.empty() || !options.label.empty()) return read(true);
  try {
    Examples labelled = read(true);
    if (labelled.embeddings.cols + 1 != inputs) return labelled;
  } catch (const Error&) {
    // Read without labels it is fine, or says why not.
  }
  return read(false);
}

Outcome work(const CommandLine& line, const Options& options) {
  // Only asked whether it may be written, before the work; what it made goes at once.
  StagedFolder::begin(options.model, kModelFiles, options.force, kKeptModelFiles).value();
  ImportOptions import = options.import;
  import.publish_output_layer = !options.private_output_layer;
  const ForeignWeights weights = read_weights(options.weights).value();
  const Examples rows = read_rows(options, weights.network.input_width);
  const ImportedModel made = [&] {
    ProgressBar bar("importing", line.quiet);
    return import_model(weights, rows, import, bar.function());
  }();
  save_whole_model(options.model, made.model, options.force).value();
  const std::string digest = hex(model_digest(made.model));
  nlohmann::json json = {{"model", options.model},
                         {"name", made.model.name},
                         {"digest", digest},
                         {"weights", options.weights},
                         {"scaler", weights.scaler ? "weights" : "fitted"},
                         {"rows", rows.rows()},
                         {"columns", made.plan.input_width()},
                         {"features", made.plan.output_width()},
                         {"labels", made.model.labels},
                         {"output_layer", made.model.output_layer ? "published" : "none"},
                         {"embedder", made.model.embedder.name},
                         {"replaced_activations", made.model.training.at("replaced_activations")},
                         {"feature_change", made.feature_change},
                         {"predicted_error", made.plan.predicted_error}};
  if (made.accuracy) {
    json["accuracy"] = *made.accuracy;
    json["replaced_accuracy"] = *made.replaced_accuracy;
  }
  return {std::move(json), text_of(options, made, digest)};
}

}  // namespace

void add_import(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "import", "make a model from a network that was trained elsewhere",
                    "cryptotl import --weights network.onnx --calibration-data source.csv --model model",
                    define, work);
}

}  // namespace cryptotl
