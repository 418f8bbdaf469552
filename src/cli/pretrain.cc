#include "cli/command.h"
#include "cli/lower_options.h"
#include "cli/privacy_options.h"
#include "cli/table.h"
#include "cryptotl/base/file.h"
#include "cryptotl/network/onnx.h"
#include "cryptotl/transfer/pretraining.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "cryptotl/transfer/temporary_folder.h"

namespace cryptotl {
namespace {

struct Options {
  DataOptions data;
  LowerOptions lower;
  std::string model, network, range;
  PretrainingOptions pretraining;
  PrivacyArguments privacy;
  bool private_output_layer = false;
  bool force = false;
};

void define(CLI::App& verb, Options& options) {
  options.data.define(verb);
  verb.add_option("--model", options.model, "folder of the model to be made")->required();
  verb.add_option("--network", options.network,
                  "ONNX file of a network to be trained in the place of the paper's: linear layers around "
                  "polynomials, relu, tanh, sigmoid or gelu");
  options.lower.define(verb);
  verb.add_option("--name", options.pretraining.name, "of the model, in the service's routes")
      ->capture_default_str();
  verb.add_option("--epochs", options.pretraining.training.epochs, "at most")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  verb.add_flag("--private-output-layer", options.private_output_layer,
                "do not publish the layer that scores the source's labels");
  add_seed(verb, options.pretraining.training.seed);
  add_force(verb, options.force);
  options.privacy.seed = verb.get_option("--seed");
  options.privacy.define(verb, {"--epochs", "--fine-tune", "--train-activation"});
  options.privacy.define_range(verb, options.range);
  options.privacy.define_budget(verb);
}

Network read_network(const std::string& path) {
  const Bytes bytes = read_file(path, kMaxOnnxBytes).value();
  const auto file = read_onnx(bytes);
  if (!file.ok()) throw Error(file.error().code(), path + ": " + file.error().what());
  return file->network;
}

void require_foldable(const std::string& path, const PretrainingOptions& pretraining) {
  const auto folded = fold(with_polynomials(*pretraining.network, pretraining.replacement.degree));
  if (!folded.ok()) throw Error(ErrorCode::malformed, path + ": " + folded.error().what());
}

std::string percent(const Epoch& epoch) { return fixed(100 * epoch.validation_accuracy, 1) + " %"; }

/// One line an activation that was replaced, and one on what it cost.
std::string replacement_text(const ActivationReplacement& replacement) {
  std::string out;
  for (const ReplacedActivation& one : replacement.activations) {
    out += "layer " + std::to_string(one.layer + 1) + ": " + one.function + " on [" +
           brief(one.interval.low) + ", " + brief(one.interval.high) +
           "] replaced by a polynomial of degree " + std::to_string(one.degree) + ", off by at most " +
           brief(one.max_error) + "\n";
  }
  out += "validation accuracy " + percent(replacement.with_functions) + " before, " +
         percent(replacement.with_polynomials) + " after";
  if (!replacement.curve.empty()) {
    out += ", " + percent(replacement.fine_tuned) + " after " + std::to_string(replacement.curve.size()) +
           " epochs of fine-tuning";
  }
  return out + "\n";
}

/// What every pretraining tells. `accuracy` goes before the predicted error.
Outcome outcome_of(const Options& options, const Examples& examples, const PretrainedModel& made,
                   const std::string& accuracy) {
  const std::string name = hex(model_digest(made.model));
  return {{{"model", options.model},
           {"name", made.model.name},
           {"digest", name},
           {"rows", examples.rows()},
           {"columns", examples.embeddings.cols},
           {"features", made.plan.output_width()},
           {"activations", made.model.training.at("activations")},
           {"embedder", made.model.embedder.name},
           {"input_range", {made.plan.input_range.low, made.plan.input_range.high}},
           {"output_limit", made.plan.output_limit},
           {"predicted_error", made.plan.predicted_error}},
          options.model + ": model " + name.substr(0, 16) + " from " + std::to_string(examples.rows()) +
              " rows of " + std::to_string(examples.embeddings.cols) + " (" + made.model.embedder.name +
              "), " + accuracy + "predicted error of encrypted features " + brief(made.plan.predicted_error) +
              "\n"};
}

/// Nothing that is not in the model: what is printed may be passed on as it may.
Outcome private_outcome(const Options& options, const Examples& examples, const PretrainedModel& made,
                        const std::string& budget) {
  Outcome out = outcome_of(options, examples, made, "");
  out.json["privacy"] = made.model.privacy;
  out.text += "privacy: " + privacy_text(*made.privacy) + "\n" + budget;
  return out;
}

/// With what the validation rows showed.
Outcome usual_outcome(const Options& options, const Examples& examples, const PretrainedModel& made) {
  const Pretrained& pretrained = made.pretrained;
  Outcome out = outcome_of(options, examples, made,
                           "validation accuracy " + fixed(100 * pretrained.validation_accuracy, 1) + " %, ");
  out.json["labels"] = examples.label_counts();
  out.json["epochs"] = pretrained.curve.size();
  out.json["validation_loss"] = pretrained.validation_loss;
  out.json["validation_accuracy"] = pretrained.validation_accuracy;
  if (pretrained.replacement) {
    out.json["replacement"] = replacement_json(*pretrained.replacement);
    out.text += replacement_text(*pretrained.replacement);
  }
  return out;
}

Outcome work(const CommandLine& line, const Options& options) {
  // Only asked whether it may be written, before the work; what it made goes at once.
  StagedFolder::begin(options.model, kModelFiles, options.force, kKeptModelFiles).value();
  PretrainingOptions pretraining = options.pretraining;
  pretraining.publish_output_layer = !options.private_output_layer;
  if (!options.network.empty()) pretraining.network = read_network(options.network);
  options.lower.apply(pretraining);
  if (pretraining.network) require_foldable(options.network, pretraining);
  const Examples examples = options.data.read(true);
  require_shape(pretraining, examples.embeddings.cols);
  pretraining.privacy = options.privacy.read();
  pretraining.range = read_range(options.range);
  std::optional<Spending> spending;
  if (pretraining.privacy) {
    spending.emplace(examples.rows(), *pretraining.privacy, options.privacy.budget,
                     "pretrain " + options.model);
  }
  const PretrainedModel made = [&] {
    ProgressBar bar("pretraining", line.quiet);
    return pretrain_model(examples, pretraining, bar.function());
  }();
  if (spending) spending->spend();
  save_whole_model(options.model, made.model, options.force).value();
  return spending ? private_outcome(options, examples, made, spending->text())
                  : usual_outcome(options, examples, made);
}

}  // namespace

void add_pretrain(CLI::App& app, CommandLine& line) {
  add_verb<Options>(app, line, "pretrain", "train a lower network on the provider's labelled examples",
                    "cryptotl pretrain --data source.csv --model model", define, work);
}

}  // namespace cryptotl
