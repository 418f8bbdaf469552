#include "cryptotl/transfer/head_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cryptotl/learn/metrics.h"
#include "cryptotl/network/onnx.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr int kHeadVersion = 1;
constexpr const char* kDigestEntry = "cryptotl.digest";

Error malformed(const std::string& what) { return Error(ErrorCode::malformed, what); }

Json to_json(const TrainedHead& head) {
  Json out = {
      {"format_version", kHeadVersion},
      {"kind", name(head.head.kind)},
      {"asked", name(head.asked)},
      {"reason", head.head.reason},
      {"sensitivity", head.head.sensitivity},
      {"labels", head.labels},
      {"embedder",
       {{"name", head.embedder.name}, {"width", head.embedder.width}, {"digest", head.embedder.digest}}},
      {"model", hex(head.model)},
      {"feature_width", head.feature_width},
      {"predicted_error", head.predicted_error}};
  if (!head.privacy.is_null()) out["privacy"] = head.privacy;
  return out;
}

HeadKind kind_from(const Json& json) {
  const auto kind = head_kind(json.get<std::string>());
  if (!kind) throw malformed("unknown kind of head " + json.dump());
  return *kind;
}

TrainedHead from_json(const Json& json) {
  TrainedHead out;
  out.head.kind = kind_from(json.at("kind"));
  out.asked = kind_from(json.at("asked"));
  out.head.reason = json.at("reason").get<std::string>();
  out.head.sensitivity = json.at("sensitivity").get<double>();
  out.labels = json.at("labels").get<std::vector<std::string>>();
  const Json& embedder = json.at("embedder");
  out.embedder = {embedder.at("name").get<std::string>(), embedder.at("width").get<size_t>(),
                  embedder.at("digest").get<std::string>()};
  const auto model = from_hex(json.at("model").get<std::string>());
  if (!model.ok() || model->size() != out.model.size()) throw malformed("model is no digest");
  std::ranges::copy(*model, out.model.begin());
  out.feature_width = json.at("feature_width").get<size_t>();
  out.predicted_error = json.at("predicted_error").get<double>();
  if (json.contains("privacy")) out.privacy = json.at("privacy");
  return out;
}

size_t input_width(const TrainedHead& head) {
  return (head.uses_embeddings() ? head.embedder.width : 0) + (head.uses_features() ? head.feature_width : 0);
}

/// Everything that predicting relies on.
Status check(const TrainedHead& head) {
  const auto outputs = output_width(head.head.network);
  if (!outputs.ok()) return malformed(outputs.error().what());
  const Layer& last = head.head.network.layers.back();
  const bool binary = *outputs == 1 && head.labels.size() == 2 && std::holds_alternative<Sigmoid>(last);
  const bool several =
      *outputs == head.labels.size() && *outputs >= 2 && std::holds_alternative<Softmax>(last);
  if (!binary && !several) return malformed("its outputs do not fit its labels");
  if (head.head.kind == HeadKind::automatic) return malformed("its kind is none");
  if (head.head.network.input_width != input_width(head)) return malformed("its inputs do not fit its kind");
  return {};
}

using Metadata = std::map<std::string, std::string>;

Result<Bytes> sealed(const Network& network, const std::string& entry) {
  Metadata metadata = {{kHeadEntry, entry}};
  const auto content = write_onnx(network, metadata);
  if (!content.ok()) return content.error();
  metadata[kDigestEntry] = hex(digest(*content));
  return write_onnx(network, metadata);
}

}  // namespace

Result<Bytes> write_head(const TrainedHead& head) {
  CRYPTOTL_TRY(check(head));
  return sealed(head.head.network, to_json(head).dump());
}

Result<TrainedHead> read_head(ByteView bytes) {
  auto file = read_onnx(bytes);
  if (!file.ok()) return file.error();
  const auto entry = file->metadata.find(kHeadEntry);
  if (entry == file->metadata.end()) return malformed("an ONNX file, but not a head that cryptotl fit made");
  const auto expected = sealed(file->network, entry->second);
  if (!expected.ok() || !std::ranges::equal(*expected, bytes)) {
    return malformed("corrupted: the bytes do not match their digest");
  }
  try {
    const Json json = Json::parse(entry->second);
    if (json.at("format_version") != kHeadVersion) {
      return Error(ErrorCode::unsupported_version, "format version " + json.at("format_version").dump() +
                                                       "; this build reads version " +
                                                       std::to_string(kHeadVersion));
    }
    TrainedHead head = from_json(json);
    head.head.network = std::move(file->network);
    CRYPTOTL_TRY(check(head));
    return head;
  } catch (const Json::exception& error) {
    return malformed(error.what());
  } catch (const Error& error) {
    return error;
  }
}

std::vector<Call> calls(const Matrix& scores) {
  const std::vector<int> labels = called_classes(scores);
  std::vector<Call> out(scores.rows);
  for (size_t i = 0; i < scores.rows; ++i) {
    out[i] = {labels[i], scores(i, scores.cols == 1 ? 0 : static_cast<size_t>(labels[i]))};
  }
  return out;
}

}  // namespace cryptotl
