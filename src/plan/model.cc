#include "cryptotl/plan/model.h"

#include <algorithm>
#include <cctype>

#include "cryptotl/base/file.h"
#include "cryptotl/network/onnx.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr int kModelVersion = 2;
constexpr size_t kManifestLimit = size_t{64} << 20;

Json dense_json(const Dense& dense) {
  return {{"outputs", dense.weight.rows},
          {"inputs", dense.weight.cols},
          {"weight", dense.weight.values},
          {"bias", dense.bias}};
}

Dense dense_from(const Json& json) {
  Dense out;
  out.weight.rows = json.at("outputs").get<size_t>();
  out.weight.cols = json.at("inputs").get<size_t>();
  out.weight.values = json.at("weight").get<std::vector<double>>();
  out.bias = json.at("bias").get<std::vector<double>>();
  if (out.bias.size() != out.weight.rows || out.weight.cols == 0 ||
      out.weight.values.size() / out.weight.cols != out.weight.rows ||
      out.weight.values.size() % out.weight.cols != 0) {
    throw Error(ErrorCode::malformed, "output_layer: the sizes do not fit together");
  }
  return out;
}

/// The manifest without the digests.
Json describe(const Model& model) {
  Json json = {
      {"format", "cryptotl-model"},
      {"format_version", kModelVersion},
      {"name", model.name},
      {"scaler", model.scaler.to_json()},
      {"embedder",
       {{"name", model.embedder.name}, {"width", model.embedder.width}, {"digest", model.embedder.digest}}},
      {"calibration", model.calibration.to_json()},
      {"labels", model.labels},
      {"feature_mean", model.feature_mean},
      {"feature_deviation", model.feature_deviation},
      {"training", model.training}};
  if (model.output_layer) json["output_layer"] = dense_json(*model.output_layer);
  if (model.score_calibration) json["score_calibration"] = model.score_calibration->to_json();
  if (!model.privacy.is_null()) json["privacy"] = model.privacy;
  return json;
}

Digest combine(const Json& manifest, ByteView network) {
  return Hasher().add(digest(as_bytes(manifest.dump()))).add(digest(network)).finish();
}

Model model_from(const Json& json) {
  Model model;
  model.name = json.at("name").get<std::string>();
  model.scaler = MinMaxScaler::from_json(json.at("scaler")).value();
  const Json& embedder = json.at("embedder");
  model.embedder = {embedder.at("name").get<std::string>(), embedder.at("width").get<size_t>(),
                    embedder.at("digest").get<std::string>()};
  model.calibration = Calibration::from_json(json.at("calibration")).value();
  model.labels = json.at("labels").get<std::vector<std::string>>();
  model.feature_mean = json.at("feature_mean").get<std::vector<double>>();
  model.feature_deviation = json.at("feature_deviation").get<std::vector<double>>();
  model.training = json.at("training");
  if (json.contains("privacy")) model.privacy = json.at("privacy");
  if (json.contains("output_layer")) model.output_layer = dense_from(json.at("output_layer"));
  if (json.contains("score_calibration")) {
    model.score_calibration = Calibration::from_json(json.at("score_calibration")).value();
  }
  return model;
}

void require(bool fits, const std::string& what) {
  if (!fits) throw Error(ErrorCode::malformed, what);
}

void check_parts(const Model& model) {
  const size_t features = output_width(model.lower).value();
  require(!model.name.empty() && model.name.size() <= 64 &&
              std::ranges::all_of(model.name,
                                  [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; }),
          "name: 1 to 64 letters, digits, - or _ are right");
  require(model.scaler.width() == model.lower.input_width,
          "scaler: its width is not the network's input width");
  require(model.embedder.width == model.lower.input_width,
          "embedder: its width is not the network's input width");
  require(model.feature_mean.size() == model.feature_deviation.size() &&
              (model.feature_mean.empty() || model.feature_mean.size() == features),
          "feature_mean, feature_deviation: their length is not the network's output width");
  require(!model.output_layer || model.output_layer->weight.cols == features,
          "output_layer: its inputs are not the network's outputs");
  require(!model.score_calibration || model.output_layer, "score_calibration: there is no output_layer");
}

}  // namespace

Digest model_digest(const Model& model) { return combine(describe(model), write_onnx(model.lower).value()); }

Status save_model(const std::filesystem::path& directory, const Model& model) {
  const auto network = write_onnx(model.lower);
  if (!network.ok()) return network.error();
  try {
    check_parts(model);
  } catch (const Error& error) {
    return error;
  }
  Json manifest = describe(model);
  manifest["network_digest"] = hex(digest(*network));
  manifest["digest"] = hex(combine(describe(model), *network));
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) return in_file(directory, ErrorCode::invalid_argument, "cannot be made: " + failure.message());
  CRYPTOTL_TRY(write_file(directory / "lower.onnx", *network));
  return write_file(directory / "manifest.json", as_bytes(manifest.dump(1) + "\n"));
}

Result<Model> load_model(const std::filesystem::path& directory) {
  const auto manifest_path = directory / "manifest.json";
  const auto network_path = directory / "lower.onnx";
  const auto manifest_bytes = read_file(manifest_path, kManifestLimit);
  if (!manifest_bytes.ok()) return manifest_bytes.error();
  const auto network_bytes = read_file(network_path, kMaxOnnxBytes);
  if (!network_bytes.ok()) return network_bytes.error();
  const Json json = Json::parse(as_text(*manifest_bytes), nullptr, false);
  try {
    if (!json.is_object() || json.value("format", "") != "cryptotl-model") {
      return in_file(manifest_path, ErrorCode::malformed, "not a model's manifest");
    }
    if (json.at("format_version").get<int>() != kModelVersion) {
      return in_file(manifest_path, ErrorCode::unsupported_version,
                     "format version " + json.at("format_version").dump() + "; this build reads version " +
                         std::to_string(kModelVersion));
    }
    if (json.at("network_digest").get<std::string>() != hex(digest(*network_bytes))) {
      return in_file(network_path, ErrorCode::malformed,
                     "corrupted: the bytes do not match the manifest's digest");
    }
    Model model = model_from(json);
    auto network = read_onnx(*network_bytes);
    if (!network.ok()) return in_file(network_path, network.error());
    model.lower = std::move(network->network);
    check_parts(model);
    if (json.at("digest").get<std::string>() != hex(combine(describe(model), *network_bytes))) {
      return in_file(manifest_path, ErrorCode::malformed,
                     "corrupted: the manifest does not match its digest");
    }
    return model;
  } catch (const Json::exception& error) {
    return in_file(manifest_path, ErrorCode::malformed, error.what());
  } catch (const Error& error) {
    return in_file(manifest_path, error);
  }
}

}  // namespace cryptotl
