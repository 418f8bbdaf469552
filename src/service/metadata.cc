#include "cryptotl/service/metadata.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/model.h"
#include "service/inference_message.h"
#include "service/json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::malformed, "metadata: " + what); }

void require(bool fits, const std::string& what) {
  if (!fits) refuse(what);
}

Json tensor(std::string_view name, size_t bytes) {
  return {{"name", name}, {"datatype", kCiphertextType}, {"shape", Json::array({bytes})}};
}

Json dense_json(const Dense& dense) {
  return {{"outputs", dense.weight.rows},
          {"inputs", dense.weight.cols},
          {"weight", dense.weight.values},
          {"bias", dense.bias}};
}

std::vector<double> finite_numbers(const Json& json, const std::string& where) {
  auto out = json.get<std::vector<double>>();
  require(std::ranges::all_of(out, [](double x) { return std::isfinite(x); }),
          where + " has a value that is not finite");
  return out;
}

Dense dense_from(const Json& json, size_t features) {
  const auto rows = json.at("outputs").get<size_t>();
  const auto values = finite_numbers(json.at("weight"), "output_layer.weight");
  Dense out{Matrix(), finite_numbers(json.at("bias"), "output_layer.bias")};
  // The sizes are compared with what has arrived before anything is made from them.
  require(json.at("inputs").get<size_t>() == features && rows > 0 && out.bias.size() == rows &&
              values.size() == rows * features && values.size() / features == rows,
          "output_layer: its sizes do not fit the model's outputs");
  out.weight.rows = rows;
  out.weight.cols = features;
  out.weight.values = values;
  return out;
}

void require_tensor(const Json& json, const std::string& list, std::string_view name, size_t bytes) {
  const Json& tensors = json.at(list);
  require(tensors.is_array() && tensors.size() == 1 && tensors.front() == tensor(name, bytes),
          list + " is not the one ciphertext that the plan calls for");
}

Answers answers_from(const Json& json) {
  const auto text = json.get<std::string>();
  if (text == name(Answers::scores)) return Answers::scores;
  require(text == name(Answers::features), "answers is neither features nor scores");
  return Answers::features;
}

/// One score for two labels, or one a label; every other slot is to be random.
void check_scores(const ModelMetadata& metadata, const Json& parameters) {
  const size_t scores = metadata.plan.output_width();
  require(metadata.labels.size() == (scores == 1 ? 2 : scores),
          "labels: their number is not that of the scores");
  require(parameters.at("score_function") == metadata.score_function(),
          "score_function is not the one for this number of scores");
  require(metadata.plan.packing.only_outputs() && metadata.plan.random_limit >= metadata.plan.output_limit,
          "a plan of scores fills the other slots with random numbers");
  require(!metadata.output_layer && metadata.feature_mean.empty(), "scores tell nothing of the features");
}

/// Batches answer the same features to the same inputs.
void check_batch(const ModelMetadata& metadata, const BatchPlan& plan) {
  require(metadata.answers == Answers::features, "batches are of features");
  require(plan.input_width() == metadata.plan.input_width() &&
              plan.output_width() == metadata.plan.output_width(),
          "batches: their widths are not the model's");
  // One scaling and clipping serves all.
  require(plan.input_range.low == metadata.plan.input_range.low &&
              plan.input_range.high == metadata.plan.input_range.high,
          "batches: their range of inputs is not the model's");
}

std::vector<BatchMetadata> batches_from(const Json& json, const ModelMetadata& metadata) {
  require(json.is_array() && !json.empty() && json.size() <= kMostBatchOffers, "batches is no short list");
  std::vector<BatchMetadata> out;
  for (const Json& offer : json) {
    out.push_back(BatchMetadata::from_json(offer, metadata.model_digest).value());
    check_batch(metadata, out.back().plan);
    require(out.size() == 1 || out.back().plan.samples() > out[out.size() - 2].plan.samples(),
            "batches do not stand in the order of their samples");
    require(out.back().epoch == out.front().epoch, "batches are not of one epoch");
  }
  return out;
}

ModelMetadata metadata_from(const Json& json) {
  ModelMetadata out;
  out.name = json.at("name").get<std::string>();
  const Json& parameters = json.at("parameters");
  out.answers = answers_from(parameters.at("answers"));
  out.model_digest = parse_digest(parameters.at("model_digest"), "model_digest").value();
  out.plan = LatencyPlan::from_json(parameters.at("plan")).value();
  out.params = Params::create(out.plan.params).value();
  require(parse_digest(parameters.at("params_id"), "params_id").value() == out.params->id(),
          "params_id is not that of the plan's parameters");
  require_tensor(json, "inputs", kInputName, out.request_bytes());
  require_tensor(json, "outputs", kOutputName, out.response_bytes());
  require(parameters.at("public_key_input_bytes") == out.public_request_bytes(),
          "public_key_input_bytes is not what the plan calls for");
  require(parameters.at("evaluation_key_bytes") == out.evaluation_key_bytes(),
          "evaluation_key_bytes is not what the plan calls for");
  out.scaler = MinMaxScaler::from_json(parameters.at("scaler")).value();
  const Json& embedder = parameters.at("embedder");
  out.embedder = {embedder.at("name").get<std::string>(), embedder.at("width").get<size_t>(),
                  embedder.at("digest").get<std::string>()};
  require(out.scaler.width() == out.plan.input_width(), "the scaler's width is not the plan's input width");
  require(out.embedder.width == out.plan.input_width(), "the embedder's width is not the plan's input width");
  out.labels = parameters.at("labels").get<std::vector<std::string>>();
  if (parameters.contains("output_layer")) {
    out.output_layer = dense_from(parameters.at("output_layer"), out.plan.output_width());
  }
  out.feature_mean = finite_numbers(parameters.at("feature_mean"), "feature_mean");
  out.feature_deviation = finite_numbers(parameters.at("feature_deviation"), "feature_deviation");
  require(out.feature_mean.size() == out.feature_deviation.size() &&
              (out.feature_mean.empty() || out.feature_mean.size() == out.plan.output_width()),
          "the feature statistics' length is not the plan's output width");
  if (out.answers == Answers::scores) check_scores(out, parameters);
  if (parameters.contains("batches")) out.batches = batches_from(parameters.at("batches"), out);
  return out;
}

}  // namespace

std::string_view name(Answers answers) { return answers == Answers::scores ? "scores" : "features"; }

ModelMetadata ModelMetadata::of(const Model& model, const LatencyPlan& plan, Answers answers) {
  ModelMetadata out;
  out.name = model.name;
  out.answers = answers;
  out.model_digest = cryptotl::model_digest(model);
  out.plan = plan;
  out.params = Params::create(plan.params).value();
  out.scaler = model.scaler;
  out.embedder = model.embedder;
  out.labels = model.labels;
  if (answers == Answers::scores) {
    out.name += kScoresSuffix;
    return out;
  }
  out.output_layer = model.output_layer;
  out.feature_mean = model.feature_mean;
  out.feature_deviation = model.feature_deviation;
  return out;
}

double ModelMetadata::predicted_error() const {
  double largest = plan.predicted_error;
  for (const BatchMetadata& offer : batches) largest = std::max(largest, offer.plan.predicted_error);
  return largest;
}

size_t ModelMetadata::request_bytes() const { return ciphertext_bytes(*params, 2, plan.top_limbs(), true); }

size_t ModelMetadata::public_request_bytes() const {
  return ciphertext_bytes(*params, 2, plan.top_limbs(), false);
}

size_t ModelMetadata::response_bytes() const {
  return answer_bytes(*params, plan.answer_bits, plan.answer_dropped_bits);
}

size_t ModelMetadata::evaluation_key_bytes() const { return key_set_bytes(*params, required_keys(plan)); }

Json ModelMetadata::to_json() const {
  Json parameters = {
      {"answers", cryptotl::name(answers)},
      {"model_digest", hex(model_digest)},
      {"params_id", hex(params->id())},
      {"plan", plan.to_json()},
      {"public_key_input_bytes", public_request_bytes()},
      {"evaluation_key_bytes", evaluation_key_bytes()},
      {"scaler", scaler.to_json()},
      {"embedder", {{"name", embedder.name}, {"width", embedder.width}, {"digest", embedder.digest}}},
      {"labels", labels},
      {"feature_mean", feature_mean},
      {"feature_deviation", feature_deviation}};
  if (answers == Answers::scores) parameters["score_function"] = score_function();
  for (const BatchMetadata& offer : batches) parameters["batches"].push_back(offer.to_json());
  if (output_layer) parameters["output_layer"] = dense_json(*output_layer);
  return {{"name", name},
          {"versions", Json::array({"1"})},
          {"platform", "cryptotl_ckks"},
          {"inputs", Json::array({tensor(kInputName, request_bytes())})},
          {"outputs", Json::array({tensor(kOutputName, response_bytes())})},
          {"parameters", parameters}};
}

Result<ModelMetadata> ModelMetadata::from_json(const Json& json) {
  try {
    return metadata_from(json);
  } catch (const Json::exception& error) {
    return Error(ErrorCode::malformed, std::string("metadata: ") + error.what());
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
