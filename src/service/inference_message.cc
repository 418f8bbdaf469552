#include "service/inference_message.h"

#include <cmath>

#include "service/json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

Error malformed(const std::string& what) { return Error(ErrorCode::malformed, what); }

/// One ciphertext as a tensor of bytes that follow in binary.
Json binary_tensor(std::string_view name, size_t bytes) {
  return {{"name", name},
          {"datatype", kCiphertextType},
          {"shape", Json::array({bytes})},
          {"parameters", {{"binary_data_size", bytes}}}};
}

Result<size_t> positive(const Json& json, const std::string& where) {
  if (!json.is_number_unsigned() || json.get<uint64_t>() == 0)
    return malformed(where + " is not a positive integer");
  return json.get<size_t>();
}

/// The length of the one tensor in `list`, which must be binary and called `name`.
Result<size_t> read_tensor(const Json& message, const std::string& list, std::string_view name) {
  const auto tensors = message.find(list);
  if (tensors == message.end() || !tensors->is_array() || tensors->size() != 1) {
    return malformed(list + " is not a list of one tensor");
  }
  const Json& tensor = tensors->front();
  const std::string where = list + "[0]";
  CRYPTOTL_TRY(require_members(tensor, {"name", "datatype", "shape", "parameters"}, where));
  if (tensor.value("name", Json()) != name)
    return malformed(where + ".name is not '" + std::string(name) + "'");
  if (tensor.value("datatype", Json()) != kCiphertextType) {
    return malformed(where + ".datatype is not " + std::string(kCiphertextType));
  }
  const Json parameters = tensor.value("parameters", Json::object());
  CRYPTOTL_TRY(require_members(parameters, {"binary_data_size"}, where + ".parameters"));
  const auto bytes =
      positive(parameters.value("binary_data_size", Json()), where + ".parameters.binary_data_size");
  if (!bytes.ok()) return bytes.error();
  if (tensor.value("shape", Json()) != Json::array({*bytes})) {
    return malformed(where + ".shape is not [binary_data_size]");
  }
  return *bytes;
}

/// Ciphertexts travel in binary only, so the request must not ask for the answer in JSON.
Status require_binary_answer(const Json& message, const Json& parameters) {
  Json binary = parameters.value("binary_data_output", Json(false));
  if (const auto outputs = message.find("outputs"); outputs != message.end()) {
    if (!outputs->is_array() || outputs->size() != 1) return malformed("outputs is not a list of one tensor");
    const Json& output = outputs->front();
    CRYPTOTL_TRY(require_members(output, {"name", "parameters"}, "outputs[0]"));
    if (output.value("name", Json()) != kOutputName) {
      return malformed("outputs[0].name is not '" + std::string(kOutputName) + "'");
    }
    const Json asked = output.value("parameters", Json::object());
    CRYPTOTL_TRY(require_members(asked, {"binary_data"}, "outputs[0].parameters"));
    binary = asked.value("binary_data", binary);
  }
  if (binary != true) {
    return malformed(
        "the answer is a ciphertext, which travels in binary: set parameters.binary_data_output or "
        "outputs[0].parameters.binary_data to true");
  }
  return {};
}

Result<std::string> read_id(const Json& message, size_t longest) {
  const Json id = message.value("id", Json(""));
  if (!id.is_string() || id.get_ref<const std::string&>().size() > longest) {
    return malformed("id is not a string of at most " + std::to_string(longest) + " bytes");
  }
  return id.get<std::string>();
}

}  // namespace

std::string write_inference_request(const InferenceRequest& request) {
  Json json = {{"inputs", Json::array({binary_tensor(kInputName, request.ciphertext_bytes)})},
               {"parameters",
                {{"binary_data_output", true},
                 {"evaluation_keys", hex(request.keys)},
                 {"model_digest", hex(request.model)}}}};
  if (!request.id.empty()) json["id"] = request.id;
  return json.dump();
}

Result<InferenceRequest> read_inference_request(std::string_view text, const Digest& model,
                                                const ServiceLimits& limits) {
  const auto message = parse_json_object(text, limits.json_depth);
  if (!message.ok()) return message.error();
  CRYPTOTL_TRY(require_members(*message, {"id", "inputs", "outputs", "parameters"}, "the request"));
  const auto id = read_id(*message, limits.id_bytes);
  if (!id.ok()) return id.error();
  const auto bytes = read_tensor(*message, "inputs", kInputName);
  if (!bytes.ok()) return bytes.error();
  const Json parameters = message->value("parameters", Json::object());
  CRYPTOTL_TRY(
      require_members(parameters, {"binary_data_output", "evaluation_keys", "model_digest"}, "parameters"));
  CRYPTOTL_TRY(require_binary_answer(*message, parameters));
  const auto keys = parse_digest(parameters.value("evaluation_keys", Json()), "parameters.evaluation_keys");
  if (!keys.ok()) return keys.error();
  Digest named_model = model;
  if (const auto named = parameters.find("model_digest"); named != parameters.end()) {
    const auto parsed = parse_digest(*named, "parameters.model_digest");
    if (!parsed.ok()) return parsed.error();
    named_model = *parsed;
  }
  return InferenceRequest{*id, *keys, named_model, *bytes};
}

std::string write_inference_response(const InferenceResponse& response) {
  Json json = {{"model_name", response.model_name},
               {"outputs", Json::array({binary_tensor(kOutputName, response.ciphertext_bytes)})},
               {"parameters", {{"server_ms", response.server_ms}, {"prepared", response.prepared}}}};
  if (!response.id.empty()) json["id"] = response.id;
  return json.dump();
}

Result<InferenceResponse> read_inference_response(std::string_view text) {
  const auto message = parse_json_object(text, 8);
  if (!message.ok()) return message.error();
  const auto bytes = read_tensor(*message, "outputs", kOutputName);
  if (!bytes.ok()) return bytes.error();
  const Json parameters = message->value("parameters", Json());
  if (!parameters.is_object()) return malformed("parameters is not a JSON object");
  const Json server_ms = parameters.value("server_ms", Json());
  if (!server_ms.is_number() || !(server_ms.get<double>() >= 0)) {
    return malformed("parameters.server_ms is not a positive number");
  }
  const Json prepared = parameters.value("prepared", Json());
  if (!prepared.is_boolean()) return malformed("parameters.prepared is neither true nor false");
  const auto id = read_id(*message, ServiceLimits().id_bytes);
  if (!id.ok()) return id.error();
  const Json model_name = message->value("model_name", Json());
  if (!model_name.is_string()) return malformed("model_name is not a string");
  return InferenceResponse{model_name.get<std::string>(), *id, *bytes, server_ms.get<double>(),
                           prepared.get<bool>()};
}

}  // namespace cryptotl
