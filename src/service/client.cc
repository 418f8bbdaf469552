#include "cryptotl/service/client.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <thread>

#include "cryptotl/base/random.h"
#include "service/client_state.h"
#include "service/inference_message.h"
#include "service/json.h"
#include "service/ticket_message.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr size_t kMetadataDepth = 16;
/// Routes of one server.
constexpr size_t kMaxModels = 16;
constexpr size_t kPieceBytes = 64 << 10;
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{5'000};

std::string random_id() {
  std::array<uint8_t, 8> bytes;
  random_bytes(bytes);
  return hex(bytes);
}

}  // namespace

Error ServiceClient::State::no_answer(httplib::Error error) const {
  if (error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout) {
    return failed(ErrorCode::resource_exhausted, "no server answers there (is it running?)");
  }
  const ExchangeState& state = http.state();
  if (state.too_long)
    return failed(ErrorCode::malformed, "the answer has no end; this is no CryptoTL server");
  if (state.late) {
    return failed(ErrorCode::resource_exhausted,
                  "no whole answer within " + std::to_string(options.request_time.count()) + " ms");
  }
  if (state.heard && !state.ended)
    return failed(ErrorCode::malformed, "what answers there does not speak HTTP");
  return failed(ErrorCode::resource_exhausted,
                state.heard ? "the server closed the connection in the middle of its answer"
                            : "the server closed the connection without an answer");
}

Error ServiceClient::State::refusal(const httplib::Response& response) const {
  const auto error = parse_error_body(response.body);
  if (error) return failed(error->code(), std::string("the server refuses: ") + error->what());
  return failed(ErrorCode::malformed,
                "answers with status " + std::to_string(response.status) + " as no CryptoTL server does");
}

void ServiceClient::State::tell_waiting(const Error& error, std::chrono::milliseconds patience) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience).count();
  options.on_wait(std::string(error.what()) + "; trying again for up to " + std::to_string(seconds) + " s");
}

Result<httplib::Response> ServiceClient::State::exchange(const Send& send,
                                                         std::chrono::milliseconds patience) {
  const auto give_up = Clock::now() + patience;
  std::chrono::milliseconds pause = kFirstPause;
  for (size_t attempt = 1;; ++attempt) {
    httplib::Result result = send(http);
    const bool busy = result && result->status == 503;
    if (result && !busy) return std::move(*result);
    const Error error = busy ? refusal(*result) : no_answer(result.error());
    if (error.code() != ErrorCode::resource_exhausted || http.state().late) return error;
    if (attempt >= options.attempts && Clock::now() + pause > give_up) return error;
    if (attempt == 2 && patience.count() > 0 && options.on_wait) tell_waiting(error, patience);
    std::this_thread::sleep_for(pause);
    pause = std::min(3 * pause, kLongestPause);
  }
}

Result<httplib::Response> ServiceClient::State::ask(const Send& send, int wanted,
                                                    std::chrono::milliseconds patience) {
  auto response = exchange(send, patience);
  if (!response.ok() || response->status == wanted) return response;
  return refusal(*response);
}

Result<httplib::Response> ServiceClient::State::ask_once(const Send& send) {
  httplib::Result result = send(http);
  if (!result) return no_answer(result.error());
  if (result->status != 200) return refusal(*result);
  return std::move(*result);
}

Result<Json> ServiceClient::State::get_json(const std::string& path) {
  const auto response = ask([&](HttpClient& client) { return client.Get(path); });
  if (!response.ok()) return response.error();
  auto json = parse_json_object(response->body, kMetadataDepth);
  if (!json.ok())
    return failed(ErrorCode::malformed, "no CryptoTL server: " + path + " is " + json.error().what());
  return json;
}

Result<std::vector<std::string>> ServiceClient::State::model_names() {
  const auto server = get_json("/v2");
  if (!server.ok()) return server.error();
  const Json models = server->value("models", Json());
  const bool strings = models.is_array() && std::ranges::all_of(models, &Json::is_string);
  if (server->value("name", Json()) != "cryptotl" || !strings || models.empty() || models.size() > kMaxModels)
    return failed(ErrorCode::malformed, "no CryptoTL server: it serves another protocol");
  const Json extensions = server->value("extensions", Json::array());
  offers_tickets = std::ranges::find(extensions, Json(kTicketExtension)) != extensions.end();
  const auto names = models.get<std::vector<std::string>>();
  const auto plain = [](const std::string& model) {
    return !model.empty() && model.size() <= 64 + kScoresSuffix.size() &&
           model.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
               std::string::npos;
  };
  if (!std::ranges::all_of(names, plain))
    return failed(ErrorCode::malformed, "the model's name is not letters, digits, - and _");
  return names;
}

Result<ModelMetadata> ServiceClient::State::metadata_of(const std::string& model) {
  const auto json = get_json("/v2/models/" + model);
  if (!json.ok()) return json.error();
  auto read = ModelMetadata::from_json(*json);
  if (!read.ok()) return failed(read.error().code(), read.error().what());
  if (read->name != model)
    return failed(ErrorCode::malformed, "metadata: name is not the one that was asked for");
  return read;
}

Status ServiceClient::State::read_metadata() {
  const auto names = model_names();
  if (!names.ok()) return names.error();
  // Features stand first.
  for (const std::string& name : *names) {
    auto read = metadata_of(name);
    if (!read.ok()) return read.error();
    if (options.answers && read->answers != *options.answers) continue;
    metadata = *std::move(read);
    return {};
  }
  return failed(ErrorCode::not_found,
                options.answers == Answers::scores
                    ? "this server offers features only, no scores"
                    : "this server offers scores only, no features; ask with --server-only");
}

ServiceClient::ServiceClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
ServiceClient::~ServiceClient() = default;
ServiceClient::ServiceClient(ServiceClient&&) noexcept = default;
ServiceClient& ServiceClient::operator=(ServiceClient&&) noexcept = default;

const std::string& ServiceClient::url() const { return state_->url; }
const ModelMetadata& ServiceClient::metadata() const { return state_->metadata; }

Result<ServiceClient> ServiceClient::connect(const std::string& url, const ClientOptions& options) {
  const auto address = parse_loopback_url(url);
  if (!address.ok()) return address.error();
  auto state = std::make_unique<State>(*address, options);
  CRYPTOTL_TRY(state->read_metadata());
  return ServiceClient(std::move(state));
}

Result<bool> ServiceClient::has_keys(const Digest& keys) {
  const auto response =
      state_->exchange([&](HttpClient& client) { return client.Get(state_->key_path(keys)); });
  if (!response.ok()) return response.error();
  if (response->status == 200) return true;
  const auto error = parse_error_body(response->body);
  if (error && error->code() == ErrorCode::missing_key) return false;
  return state_->refusal(*response);
}

Result<Digest> ServiceClient::upload_keys(ByteView keys, const ProgressFunction& progress) {
  const Digest name = digest(keys);
  const auto there = has_keys(name);
  if (!there.ok()) return there.error();
  if (*there) {
    if (progress) progress(keys.size(), keys.size());
    return name;
  }
  const auto piece = [&](size_t offset, size_t length, httplib::DataSink& sink) {
    const size_t count = std::min(length, kPieceBytes);
    if (!sink.write(reinterpret_cast<const char*>(keys.data()) + offset, count)) return false;
    if (progress) progress(offset + count, keys.size());
    return true;
  };
  const auto response = state_->ask(
      [&](HttpClient& client) {
        return client.Put(state_->key_path(name), keys.size(), piece, "application/octet-stream");
      },
      201);
  if (!response.ok()) return response.error();
  return name;
}

Result<InferenceAnswer> ServiceClient::infer(ByteView request, const Digest& keys) {
  State& state = *state_;
  const std::string id = random_id();
  const std::string json = write_inference_request({id, keys, state.metadata.model_digest, request.size()});
  // The body is made once: every attempt sends the identical bytes.
  std::string body;
  body.reserve(json.size() + request.size());
  body.append(json).append(as_text(request));
  const httplib::Headers headers = {{std::string(kJsonLengthHeader), std::to_string(json.size())}};
  const auto send = [&](HttpClient& client) {
    return client.Post(state.model_path() + "/infer", headers, body, "application/octet-stream");
  };
  const auto response = state.ask(send, 200, state.options.patience);
  if (!response.ok()) return response.error();
  const std::string length_text = response->get_header_value(std::string(kJsonLengthHeader));
  size_t length = 0;
  std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
  if (length == 0 || length > response->body.size()) {
    return state.failed(ErrorCode::malformed, "an answer without a right " + std::string(kJsonLengthHeader));
  }
  const std::string_view answer = response->body;
  const auto message = read_inference_response(answer.substr(0, length));
  if (!message.ok())
    return state.failed(ErrorCode::malformed, std::string("answer: ") + message.error().what());
  const ByteView ciphertext = as_bytes(answer.substr(length));
  if (message->id != id || message->ciphertext_bytes != ciphertext.size() ||
      ciphertext.size() != state.metadata.response_bytes()) {
    return state.failed(ErrorCode::malformed, "an answer to another request, or of the wrong length");
  }
  return InferenceAnswer{Bytes(ciphertext.begin(), ciphertext.end()), message->server_ms, message->prepared};
}

bool ServiceClient::offers_tickets() const { return state_->offers_tickets; }

Result<TicketState> ServiceClient::State::ticket_state(const httplib::Response& response,
                                                       bool announced) const {
  const auto state = read_ticket_state(response.body, announced);
  if (!state.ok()) return failed(ErrorCode::malformed, std::string("tickets: ") + state.error().what());
  return state;
}

Result<TicketState> ServiceClient::announce(std::span<const Seed> seeds, const Digest& keys) {
  State& state = *state_;
  const Bytes body = write_seeds(seeds);
  const auto response = state.ask_once([&](HttpClient& client) {
    return client.Post(state.ticket_path(keys), reinterpret_cast<const char*>(body.data()), body.size(),
                       "application/octet-stream");
  });
  if (!response.ok()) return response.error();
  const auto taken = state.ticket_state(*response, true);
  if (taken.ok() && taken->accepted > seeds.size())
    return state.failed(ErrorCode::malformed, "tickets: accepted is more than were announced");
  return taken;
}

Result<TicketState> ServiceClient::ticket_state(const Digest& keys) {
  const auto response =
      state_->ask([&](HttpClient& client) { return client.Get(state_->ticket_path(keys)); });
  if (!response.ok()) return response.error();
  return state_->ticket_state(*response, false);
}

}  // namespace cryptotl
