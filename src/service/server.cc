#include "cryptotl/service/server.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "service/http_server.h"
#include "service/inference_message.h"
#include "service/json.h"
#include "service/key_store.h"
#include "service/runner_pool.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
using httplib::ContentReader;
using httplib::Request;
using httplib::Response;

void set_json(Response& response, const Json& json) { response.set_content(json.dump(), "application/json"); }

/// The number in a header that must be there.
Result<size_t> number_header(const Request& request, std::string_view name) {
  const std::string value = request.get_header_value(std::string(name));
  size_t number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || failure != std::errc() || end != value.data() + value.size()) {
    return Error(ErrorCode::malformed, "the header " + std::string(name) + " is missing or not a number");
  }
  return number;
}

Error truncated(size_t got, size_t wanted) {
  return Error(ErrorCode::malformed,
               "the body ends after " + std::to_string(got) + " of " + std::to_string(wanted) + " bytes");
}

/// The body's length, which has to be one of `right`.
Status require_length(size_t length, std::initializer_list<size_t> right) {
  if (std::ranges::find(right, length) != right.end()) return {};
  std::string lengths;
  for (const size_t one : right) lengths += (lengths.empty() ? "" : " or ") + std::to_string(one);
  return Error(length > std::ranges::max(right) ? ErrorCode::too_large : ErrorCode::malformed,
               "the body has " + std::to_string(length) + " bytes; " + lengths + " are right");
}

/// Gives the body's bytes to `take` as they come.
Status read_body(const ContentReader& reader, size_t length, const std::function<Status(ByteView)>& take) {
  Status status;
  size_t got = 0;
  const bool whole = reader([&](const char* data, size_t size) {
    got += size;
    status = take(as_bytes({data, size}));
    return status.ok();
  });
  if (!status.ok()) return status;
  if (!whole || got != length) return truncated(got, length);
  return {};
}

}  // namespace

struct Server::State {
  State(ModelMetadata published, const ServerOptions& chosen)
      : metadata(std::move(published)), options(chosen), http(chosen.limits) {}

  void add_routes();
  Result<std::string> model_of(const Request& request) const;
  Json server_json() const;
  Json model_json() const;

  Status get_key_state(const Request& request, Response& response) const;
  Status put_keys(const Request& request, Response& response, const ContentReader& body);
  Status infer(const Request& request, Response& response, const ContentReader& body);
  Result<InferenceRequest> read_inference(const Request& request, const ContentReader& body,
                                          Bytes& bytes) const;

  const ModelMetadata metadata;
  const ServerOptions options;
  std::string url;
  std::unique_ptr<KeyStore> keys;
  std::unique_ptr<RunnerPool> runners;
  HttpServer http;  // last: its threads end before what they use
};

Json Server::State::server_json() const {
  return {{"name", "cryptotl"},
          {"version", CRYPTOTL_VERSION},
          {"extensions", {"binary_tensor_data", "cryptotl_evaluation_keys"}},
          {"models", {metadata.name}}};
}

Json Server::State::model_json() const {
  Json json = metadata.to_json();
  json["parameters"]["limits"] = {{"json_bytes", options.limits.json_bytes},
                                  {"waiting_requests", options.limits.waiting_requests},
                                  {"key_store_bytes", options.limits.key_store_bytes}};
  return json;
}

/// The model that the path names, or not_found.
Result<std::string> Server::State::model_of(const Request& request) const {
  std::string name = request.matches[1];
  if (name == metadata.name) return name;
  return Error(ErrorCode::not_found, "there is no such model here; the one here is '" + metadata.name + "'");
}

Status Server::State::get_key_state(const Request& request, Response& response) const {
  const auto name = parse_digest(std::string_view(request.matches[2].str()), "the path's last part");
  if (!name.ok()) return name.error();
  if (!keys->contains(*name)) {
    return Error(ErrorCode::missing_key, "the evaluation keys " + hex(*name) + " are not on this server");
  }
  set_json(response, {{"digest", hex(*name)}, {"bytes", keys->key_bytes()}});
  return {};
}

Status Server::State::put_keys(const Request& request, Response& response, const ContentReader& body) {
  const auto name = parse_digest(std::string_view(request.matches[2].str()), "the path's last part");
  if (!name.ok()) return name.error();
  const auto length = number_header(request, "Content-Length");
  if (!length.ok()) return length.error();
  CRYPTOTL_TRY(require_length(*length, {keys->key_bytes()}));
  KeyStore::Upload upload(*keys, *name);
  CRYPTOTL_TRY(upload.begin());
  CRYPTOTL_TRY(read_body(body, *length, [&](ByteView bytes) { return upload.add(bytes); }));
  CRYPTOTL_TRY(upload.finish());
  response.status = 201;
  set_json(response, {{"digest", hex(*name)}, {"bytes", keys->key_bytes()}});
  return {};
}

/// `bytes` gets the JSON part and the ciphertext, which the request's ciphertext_bytes at its end are.
Result<InferenceRequest> Server::State::read_inference(const Request& request, const ContentReader& body,
                                                       Bytes& bytes) const {
  const auto length = number_header(request, "Content-Length");
  if (!length.ok()) return length.error();
  const auto json_length = number_header(request, kJsonLengthHeader);
  if (!json_length.ok()) return json_length.error();
  if (*json_length > options.limits.json_bytes) {
    return Error(ErrorCode::too_large, "the JSON part has " + std::to_string(*json_length) +
                                           " bytes; at most " + std::to_string(options.limits.json_bytes) +
                                           " are taken");
  }
  CRYPTOTL_TRY(require_length(
      *length, {*json_length + metadata.request_bytes(), *json_length + metadata.public_request_bytes()}));
  bytes.reserve(*length);
  CRYPTOTL_TRY(read_body(body, *length, [&](ByteView piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Status();
  }));
  auto parsed = read_inference_request(as_text(ByteView(bytes).first(*json_length)), metadata.model_digest,
                                       options.limits);
  const size_t right = *length - *json_length;
  if (parsed.ok() && parsed->ciphertext_bytes != right) {
    return Error(ErrorCode::malformed, "inputs[0].parameters.binary_data_size is " +
                                           std::to_string(parsed->ciphertext_bytes) + "; " +
                                           std::to_string(right) + " follow");
  }
  return parsed;
}

Status Server::State::infer(const Request& request, Response& response, const ContentReader& body) {
  Bytes bytes;
  const auto asked = read_inference(request, body, bytes);
  if (!asked.ok()) return asked.error();
  if (asked->model != metadata.model_digest) {
    return Error(ErrorCode::parameter_mismatch, "the request is for the model " + hex(asked->model) +
                                                    "; the one here is " + hex(metadata.model_digest));
  }
  const auto prepared = keys->find(asked->keys);
  if (!prepared.ok()) return prepared.error();
  double milliseconds = 0;
  const auto answer =
      runners->answer(ByteView(bytes).last(asked->ciphertext_bytes), **prepared, &milliseconds);
  if (!answer.ok()) return answer.error();
  const std::string json = write_inference_response({metadata.name, asked->id, answer->size(), milliseconds});
  std::string out;
  out.reserve(json.size() + answer->size());
  out.append(json).append(as_text(*answer));
  response.set_header(std::string(kJsonLengthHeader), std::to_string(json.size()));
  response.set_content(std::move(out), "application/octet-stream");
  return {};
}

void Server::State::add_routes() {
  using Get = std::function<Status(const Request&, Response&)>;
  using Send = std::function<Status(const Request&, Response&, const ContentReader&)>;
  const auto get = [](Get answer) {
    return [answer](const Request& request, Response& response) {
      if (const Status status = answer(request, response); !status.ok()) set_error(response, status.error());
    };
  };
  const auto send = [](Send answer) {
    return [answer](const Request& request, Response& response, const ContentReader& body) {
      if (const Status status = answer(request, response, body); !status.ok())
        set_error(response, status.error());
    };
  };
  const auto constant = [](Json json) {
    return [text = json.dump()](const Request&, Response& response) {
      response.set_content(text, "application/json");
    };
  };
  http.Get("/v2/health/live", constant({{"live", true}}));
  http.Get("/v2/health/ready", constant({{"ready", true}}));
  http.Get("/v2/?", constant(server_json()));
  http.Get("/v2/models/([^/]*)",
           get([this, text = model_json().dump()](const Request& request, Response& response) {
             const auto name = model_of(request);
             if (!name.ok()) return Status(name.error());
             response.set_content(text, "application/json");
             return Status();
           }));
  http.Get("/v2/models/([^/]*)/ready", get([this](const Request& request, Response& response) {
             const auto name = model_of(request);
             if (!name.ok()) return Status(name.error());
             set_json(response, {{"name", *name}, {"ready", true}});
             return Status();
           }));
  http.Get("/v2/models/([^/]*)/keys/([^/]*)",
           get([this](const Request& request, Response& response) -> Status {
             if (const auto name = model_of(request); !name.ok()) return name.error();
             return get_key_state(request, response);
           }));
  http.Put("/v2/models/([^/]*)/keys/([^/]*)",
           send([this](const Request& request, Response& response, const ContentReader& body) -> Status {
             if (const auto name = model_of(request); !name.ok()) return name.error();
             return put_keys(request, response, body);
           }));
  http.Post("/v2/models/([^/]*)/infer",
            send([this](const Request& request, Response& response, const ContentReader& body) -> Status {
              if (const auto name = model_of(request); !name.ok()) return name.error();
              return infer(request, response, body);
            }));
  // Everything else, before the library reads a body of any length.
  const auto nowhere = send([](const Request& request, Response&, const ContentReader&) -> Status {
    return Error(ErrorCode::not_found, "there is no route " + request.method + " " + request.path);
  });
  http.Post("[^]*", nowhere);
  http.Put("[^]*", nowhere);
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(); }
const std::string& Server::url() const { return state_->url; }
const ModelMetadata& Server::metadata() const { return state_->metadata; }
void Server::stop() { state_->http.close(); }

Result<std::unique_ptr<Server>> Server::start(const Model& model, const ServerOptions& options) {
  auto address = parse_loopback(options.listen);
  if (!address.ok()) return address.error();
  if (options.threads == 0 || options.concurrency == 0) {
    return Error(ErrorCode::invalid_argument, "threads and concurrency are at least 1");
  }
  const auto folded = fold(model.lower);
  if (!folded.ok()) return folded.error();
  const auto plan = plan_latency(*folded, model.calibration, options.plan);
  if (!plan.ok()) return plan.error();
  try {
    auto state = std::make_unique<State>(ModelMetadata::of(model, *plan), options);
    auto keys = KeyStore::open(options.key_store, *plan, state->metadata.params, options.limits);
    if (!keys.ok()) return keys.error();
    state->keys = *std::move(keys);
    const auto program = std::make_shared<const LatencyProgram>(*folded, model.calibration, *plan);
    state->runners =
        std::make_unique<RunnerPool>(program, options.threads, options.concurrency, options.limits);
    state->add_routes();
    CRYPTOTL_TRY(state->http.listen_on(*address));
    state->url = address->url();
    return std::unique_ptr<Server>(new Server(std::move(state)));
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
