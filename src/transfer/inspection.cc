#include "cryptotl/transfer/inspection.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/encrypted_inputs.h"
#include "cryptotl/ckks/sampling.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/network/onnx.h"
#include "cryptotl/plan/model.h"
#include "cryptotl/service/machine_plan.h"
#include "cryptotl/transfer/client_keys.h"
#include "cryptotl/transfer/feature_cache.h"
#include "cryptotl/transfer/head_file.h"
#include "cryptotl/transfer/input_encryption.h"
#include "cryptotl/transfer/plan_file.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "transfer/cache_file.h"
#include "transfer/sealed_json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

Json digest_text(const Digest& value) { return hex(value); }

Json embedder_json(const EmbedderIdentity& embedder) {
  return {{"name", embedder.name}, {"width", embedder.width}, {"digest", embedder.digest}};
}

Json parameters_json(const Params& params) {
  double log_q = 0;
  for (const uint32_t prime : params.spec().primes) log_q += std::log2(prime);
  return {{"params_id", digest_text(params.id())},
          {"ring_degree", params.n()},
          {"primes", params.spec().primes},
          {"special_primes", params.spec().special_primes},
          {"log_q", log_q},
          {"log_p", params.log_qp() - log_q},
          {"log_qp", params.log_qp()},
          {"log_qp_bound", params.log_qp_bound()},
          {"log_qp_margin", params.log_qp_bound() - params.log_qp()},
          {"secret", "uniform ternary"},
          {"error_deviation", kErrorDeviation},
          {"security_bits", params.security_bits()}};
}

Result<Json> plan_file_json(const fs::path& path) {
  const auto model = read_plan_file(path);
  if (!model.ok()) return model.error();
  return Json{{"kind", "plan"},
              {"name", model->name},
              {"model_digest", digest_text(model->model_digest)},
              {"plan_digest", digest_text(plan_digest(model->plan))},
              {"embedder", embedder_json(model->embedder)},
              {"answers", name(model->answers)},
              {"labels", model->labels},
              {"widths", model->plan.packing.widths},
              {"input_range", {model->plan.input_range.low, model->plan.input_range.high}},
              {"predicted_error", model->plan.predicted_error},
              {"predicted_error_public", model->plan.predicted_error_public},
              {"parameters", parameters_json(*model->params)},
              {"plan", describe(model->plan, machine_speeds())}};
}

/// The statement as it stands, and in words.
Json privacy_words(const Json& statement) {
  if (statement.is_null()) return "none: trained without differential privacy, or nobody says";
  Json out = statement;
  out["in_words"] = privacy_text(statement);
  return out;
}

Json layers_json(const Network& network) {
  Json layers = Json::array();
  for (const Layer& layer : network.layers) layers.push_back(layer_name(layer));
  return layers;
}

// --- Objects with a header
// ------------------------------------------------------------------------------------------

bool is_json(ByteView first) { return !first.empty() && first[0] == '{'; }

/// The file's first bytes, as many as a header has or fewer.
Result<Bytes> first_bytes(const fs::path& path) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure)) {
    return Error(ErrorCode::not_found, path.string() + ": there is no such file or folder");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::invalid_argument, "cannot open " + path.string());
  Bytes bytes(kHeaderBytes);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

/// What a file of encrypted inputs says beyond its header.
Result<Json> encrypted_inputs_json(const fs::path& path) {
  const auto file = FileReader::open(path);
  if (!file.ok()) return file.error();
  const auto header = read_encrypted_inputs_header(*file);
  if (!header.ok()) return header.error();
  return Json{{"inputs", header->count},
              {"ciphertext_bytes", header->ciphertext_bytes},
              {"model_digest", digest_text(header->model)},
              {"plan_digest", digest_text(header->plan)},
              {"public_key_fingerprint", digest_text(header->public_key)}};
}

Result<Json> object_json(const fs::path& path, ByteView first) {
  const auto header = read_header(first);
  if (!header.ok()) return in_file(path, header.error());
  std::error_code failure;
  const auto size = fs::file_size(path, failure);
  if (failure || size < kHeaderBytes || size - kHeaderBytes != header->payload_bytes) {
    return in_file(path, ErrorCode::malformed,
                   std::to_string(size) + " bytes; the header states " + std::to_string(kHeaderBytes) +
                       " and a payload of " + std::to_string(header->payload_bytes));
  }
  Json out = {{"kind", name(header->kind)},
              {"format_version", header->version},
              {"bytes", size},
              {"payload_bytes", header->payload_bytes},
              {"params_id", digest_text(header->params_id)},
              {"key_id", hex(header->key_id)},
              {"digest", digest_text(header->digest)}};
  if (header->kind == ObjectKind::public_key) out["fingerprint"] = out["digest"];
  if (header->kind == ObjectKind::encrypted_inputs) {
    const auto more = encrypted_inputs_json(path);
    if (!more.ok()) return more.error();
    out.update(*more);
  }
  return out;
}

// --- Folders
// --------------------------------------------------------------------------------------------------------

/// Of the small batches, the ones that are shown.
constexpr size_t kInspectedSamples = 512;

Result<Json> model_json(const fs::path& path) {
  const auto model = load_model(path);
  if (!model.ok()) return model.error();
  const auto folded = fold(model->lower);
  if (!folded.ok()) return in_file(path, folded.error());
  const auto plan = plan_for_machine(*folded, model->calibration, {.speeds = machine_speeds()});
  if (!plan.ok()) return in_file(path, plan.error());
  const auto params = Params::create(plan->params);
  if (!params.ok()) return in_file(path, params.error());
  const auto batch_plan = [&](size_t samples) {
    const auto batches = plan_batches_for_machine(*folded, model->calibration,
                                                  {.samples = samples, .speeds = machine_speeds()});
    return batches.ok() ? describe(*batches, machine_speeds()) : batches.error().what();
  };
  return Json{{"kind", "model"},
              {"privacy", privacy_words(model->privacy)},
              {"name", model->name},
              {"digest", digest_text(model_digest(*model))},
              {"embedder", embedder_json(model->embedder)},
              {"labels", model->labels},
              {"output_layer", model->output_layer ? "published" : "private"},
              {"layers", layers_json(model->lower)},
              {"widths", plan->packing.widths},
              {"calibration", model->calibration.to_json()},
              {"input_range", {plan->input_range.low, plan->input_range.high}},
              {"output_limit", plan->output_limit},
              {"predicted_error", plan->predicted_error},
              {"request_bytes", ciphertext_bytes(**params, 2, plan->top_limbs(), true)},
              {"response_bytes", answer_bytes(**params, plan->answer_bits, plan->answer_dropped_bits)},
              {"evaluation_key_bytes", key_set_bytes(**params, required_keys(*plan))},
              {"parameters", parameters_json(**params)},
              {"plan", describe(*plan, machine_speeds())},
              {"batch_plan", batch_plan(0)},
              {"small_batch_plan", batch_plan(kInspectedSamples)}};
}

Result<Json> key_folder_json(const fs::path& path) {
  const auto bytes = read_file(path / kKeyManifestFile, 1 << 16);
  if (!bytes.ok()) return bytes.error();
  const auto manifest = open_sealed_json(*bytes, path / kKeyManifestFile);
  if (!manifest.ok()) return manifest.error();
  Json out = {{"kind", "key folder"}, {"manifest", *manifest}};
  for (const char* const name : {kSecretKeyFile, kEvaluationKeyFile, kPublicKeyFile}) {
    if (name == kPublicKeyFile && !fs::exists(path / name)) continue;  // its place may be a device
    const auto first = first_bytes(path / name);
    if (!first.ok()) return first.error();
    const auto object = object_json(path / name, *first);
    if (!object.ok()) return object.error();
    out[name] = *object;
  }
  return out;
}

// --- ONNX files
// -----------------------------------------------------------------------------------------------------

Json head_json(const TrainedHead& head) {
  return {{"kind", "head"},
          {"privacy", privacy_words(head.privacy)},
          {"head", name(head.head.kind)},
          {"asked", name(head.asked)},
          {"reason", head.head.reason},
          {"labels", head.labels},
          {"embedder", embedder_json(head.embedder)},
          {"model", head.asks_server() ? digest_text(head.model) : Json()},
          {"feature_width", head.feature_width},
          {"sensitivity", head.head.sensitivity},
          {"predicted_error", head.predicted_error},
          {"score_bound", head.score_bound()},
          {"layers", layers_json(head.head.network)}};
}

Result<Json> onnx_json(const fs::path& path) {
  const auto bytes = read_file(path, kMaxOnnxBytes);
  if (!bytes.ok()) return bytes.error();
  const auto file = read_onnx(*bytes);
  if (!file.ok()) {
    return Error(file.error().code(),
                 path.string() + ": no file of ours, and no ONNX network: " + file.error().what());
  }
  if (file->metadata.contains(kHeadEntry)) {
    const auto head = read_head(*bytes);
    if (!head.ok()) return in_file(path, head.error());
    return head_json(*head);
  }
  const auto outputs = output_width(file->network);
  if (!outputs.ok()) return in_file(path, outputs.error());
  return Json{{"kind", "network"},
              {"layers", layers_json(file->network)},
              {"widths", {file->network.input_width, *outputs}},
              {"metadata", file->metadata}};
}

bool is_object(ByteView first) {
  return as_text(first).starts_with("CTTL");  // docs/format.md
}

}  // namespace

Result<Json> inspect(const fs::path& path) {
  std::error_code failure;
  if (fs::is_directory(path, failure)) {
    if (fs::exists(path / "manifest.json", failure)) return model_json(path);
    if (fs::exists(path / kKeyManifestFile, failure)) return key_folder_json(path);
    return Error(ErrorCode::malformed, path.string() + ": neither a model's folder nor one of keys");
  }
  const auto first = first_bytes(path);
  if (!first.ok()) return first.error();
  if (is_cache_header(*first)) return describe_feature_cache(path);
  if (is_json(*first)) return plan_file_json(path);
  return is_object(*first) ? object_json(path, *first) : onnx_json(path);
}

}  // namespace cryptotl
