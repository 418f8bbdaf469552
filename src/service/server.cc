#include "cryptotl/service/server.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cryptotl/ckks/wire.h"
#include "cryptotl/plan/model.h"
#include "cryptotl/service/machine_plan.h"
#include "service/batch_message.h"
#include "service/batch_service.h"
#include "service/http_server.h"
#include "service/inference_message.h"
#include "service/json.h"
#include "service/key_store.h"
#include "service/plan_store.h"
#include "service/request_body.h"
#include "service/runner_pool.h"
#include "service/seed_ledger.h"
#include "service/ticket_message.h"
#include "service/ticket_store.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
using httplib::ContentReader;
using httplib::Request;
using httplib::Response;

/// Samples of the kinds of batches beside the one that takes a sample in each slot, and the most that one may
/// take of the time of the next larger.
constexpr size_t kSmallBatches[] = {2048, 1024, 512, 256};
constexpr double kWorthASmallBatch = 0.9;

void set_json(Response& response, const Json& json) { response.set_content(json.dump(), "application/json"); }

}  // namespace

struct Server::State {
  /// A plan with the network that it is for.
  struct Planned {
    Answers answers = Answers::features;
    FoldedNetwork network;
    const Calibration& calibration;
    LatencyPlan plan;
  };
  /// What the routes of one name need.
  struct Route {
    const ModelMetadata* metadata;
    KeyPlan keys;
    size_t program;         ///< its place in the runners' list
    BatchService* batches;  ///< none where none are taken
  };

  explicit State(const ServerOptions& chosen) : options(chosen), http(chosen.limits) {}

  Status plan_offers(const Model& model, std::vector<Planned>& plans);
  Status settle(const Model& model, std::span<Planned> plans) const;
  void prepare(const Model& model, std::span<const Planned> plans);
  Result<BatchPlan> plan_batches(const Planned& features, size_t samples) const;
  std::vector<BatchKind> small_batches(const Planned& features, const BatchPlan& largest) const;
  void prepare_batches(const Planned& features);
  using Get = std::function<Status(const Route&, const Request&, Response&)>;
  using Send = std::function<Status(const Route&, const Request&, Response&, const ContentReader&)>;
  httplib::Server::Handler get(Get answer) const;
  httplib::Server::HandlerWithContentReader send(Send answer) const;
  void add_routes();
  void add_batch_routes();
  Result<const Route*> route_of(const Request& request) const;
  Json server_json() const;
  std::string model_json(const Route& route) const;

  Status require_keys(const Route& route, const Digest& name) const;
  Status get_key_state(const Route& route, const Request& request, Response& response) const;
  Status put_keys(const Route& route, const Request& request, Response& response, const ContentReader& body);
  Status infer(const Route& route, const Request& request, Response& response, const ContentReader& body);
  Result<InferenceRequest> read_inference(const Route& route, const Request& request,
                                          const ContentReader& body, Bytes& bytes) const;
  Result<PassResult> pass(const Route& route, const Digest& key_set, ByteView input);
  Status announce(const Route& route, const Request& request, Response& response, const ContentReader& body);
  Status get_ticket_state(const Route& route, const Request& request, Response& response) const;
  TicketState ticket_state(const TicketStore::Owner& owner) const;

  const ServerOptions options;
  std::vector<OfferedRoute> offered;
  std::vector<Route> routes;  ///< one of each that is offered; neither list changes once requests come
  std::string left_out;
  std::string batches_left_out;
  std::string url;
  std::unique_ptr<KeyStore> keys;
  std::unique_ptr<SeedLedgers> ledgers;
  std::unique_ptr<RunnerPool> runners;
  std::unique_ptr<TicketStore> tickets;   ///< none where none are offered
  std::unique_ptr<BatchService> batches;  ///< likewise
  HttpServer http;                        // last: its threads end before what they use
};

Json Server::State::server_json() const {
  Json names = Json::array();
  for (const OfferedRoute& route : offered) names.push_back(route.metadata.name);
  Json extensions = {"binary_tensor_data", "cryptotl_evaluation_keys"};
  if (tickets) extensions.push_back(kTicketExtension);
  if (batches) extensions.push_back(kBatchExtension);
  return {{"name", "cryptotl"}, {"version", CRYPTOTL_VERSION}, {"extensions", extensions}, {"models", names}};
}

std::string Server::State::model_json(const Route& route) const {
  ModelMetadata metadata = *route.metadata;
  if (route.batches != nullptr) metadata.batches = route.batches->metadata();  // of this epoch
  Json json = metadata.to_json();
  json["parameters"]["limits"] = {{"json_bytes", options.limits.json_bytes},
                                  {"waiting_requests", options.limits.waiting_requests},
                                  {"key_store_bytes", options.limits.key_store_bytes}};
  return json.dump();
}

/// The route of the model that the path names, or not_found.
Result<const Server::State::Route*> Server::State::route_of(const Request& request) const {
  const std::string name = request.matches[1];
  std::string here;
  for (const Route& route : routes) {
    if (name == route.metadata->name) return &route;
    here += (here.empty() ? "'" : ", '") + route.metadata->name + "'";
  }
  return Error(ErrorCode::not_found, "there is no such model here; what is here is " + here);
}

Status Server::State::require_keys(const Route& route, const Digest& name) const {
  if (keys->contains(route.keys, name)) return {};
  return Error(ErrorCode::missing_key, "the evaluation keys " + hex(name) + " are not on this server");
}

Status Server::State::get_key_state(const Route& route, const Request& request, Response& response) const {
  const auto name = parse_digest(std::string_view(request.matches[2].str()), "the path's last part");
  if (!name.ok()) return name.error();
  CRYPTOTL_TRY(require_keys(route, *name));
  set_json(response, {{"digest", hex(*name)}, {"bytes", route.keys.key_bytes}});
  return {};
}

Status Server::State::put_keys(const Route& route, const Request& request, Response& response,
                               const ContentReader& body) {
  const auto name = parse_digest(std::string_view(request.matches[2].str()), "the path's last part");
  if (!name.ok()) return name.error();
  const auto length = number_header(request, "Content-Length");
  if (!length.ok()) return length.error();
  CRYPTOTL_TRY(require_length(*length, {route.keys.key_bytes}));
  KeyStore::Upload upload(*keys, route.keys, *name);
  CRYPTOTL_TRY(upload.begin());
  CRYPTOTL_TRY(read_body(body, *length, [&](ByteView bytes) { return upload.add(bytes); }));
  CRYPTOTL_TRY(upload.finish());
  response.status = 201;
  set_json(response, {{"digest", hex(*name)}, {"bytes", route.keys.key_bytes}});
  return {};
}

/// `bytes` gets the JSON part and the ciphertext, which the request's ciphertext_bytes at its end are.
Result<InferenceRequest> Server::State::read_inference(const Route& route, const Request& request,
                                                       const ContentReader& body, Bytes& bytes) const {
  const ModelMetadata& metadata = *route.metadata;
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

Status Server::State::infer(const Route& route, const Request& request, Response& response,
                            const ContentReader& body) {
  const ModelMetadata& metadata = *route.metadata;
  Bytes bytes;
  const auto asked = read_inference(route, request, body, bytes);
  if (!asked.ok()) return asked.error();
  if (asked->model != metadata.model_digest) {
    return Error(ErrorCode::parameter_mismatch, "the request is for the model " + hex(asked->model) +
                                                    "; the one here is " + hex(metadata.model_digest));
  }
  const auto result = pass(route, asked->keys, ByteView(bytes).last(asked->ciphertext_bytes));
  if (!result.ok()) return result.error();
  const Bytes& answer = result->answer;
  const std::string json = write_inference_response(
      {metadata.name, asked->id, answer.size(), result->milliseconds, result->prepared});
  std::string out;
  out.reserve(json.size() + answer.size());
  out.append(json).append(as_text(answer));
  response.set_header(std::string(kJsonLengthHeader), std::to_string(json.size()));
  response.set_content(std::move(out), "application/octet-stream");
  return {};
}

/// One encrypted input, once its seed, where it has one, stands for it alone. What is noted of it is the
/// digest in its header: whether that is right the pass finds out, and answers nothing where it is not.
Result<PassResult> Server::State::pass(const Route& route, const Digest& key_set, ByteView input) {
  const auto prepared = keys->find(route.keys, key_set);
  if (!prepared.ok()) return prepared.error();
  const auto seed = seed_of_ciphertext(input);
  if (!seed.ok()) return seed.error();
  if (*seed) CRYPTOTL_TRY(ledgers->claim(key_set, **seed, read_header(input)->digest));
  return runners->answer(route.program, input, **prepared, [&]() -> std::unique_ptr<const Ticket> {
    if (!*seed || !tickets) return nullptr;
    return tickets->take({route.program, key_set}, **seed);
  });
}

Status Server::State::announce(const Route& route, const Request& request, Response& response,
                               const ContentReader& body) {
  const auto name = parse_digest(std::string_view(request.matches[2].str()), "the path's last part");
  if (!name.ok()) return name.error();
  const auto length = number_header(request, "Content-Length");
  if (!length.ok()) return length.error();
  CRYPTOTL_TRY(check_seeds_length(*length));
  Bytes bytes;
  CRYPTOTL_TRY(read_body(body, *length, [&](ByteView piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Status();
  }));
  const std::vector<Seed> seeds = read_seeds(bytes);
  const auto prepared = keys->find(route.keys, *name);
  if (!prepared.ok()) return prepared.error();
  const auto used = ledgers->knows_any(*name, seeds);
  if (!used.ok()) return used.error();
  if (*used) {
    return Error(
        ErrorCode::parameter_mismatch,
        "a seed that is announced has encrypted a message already; each stands for one, so draw another");
  }
  const TicketStore::Owner owner{route.program, *name};
  const auto accepted = tickets->announce(owner, *prepared, seeds);
  if (!accepted.ok()) return accepted.error();
  TicketState state = ticket_state(owner);
  state.accepted = *accepted;
  response.set_content(write_ticket_state(state, true), "application/json");
  return {};
}

Status Server::State::get_ticket_state(const Route& route, const Request& request, Response& response) const {
  const auto name = parse_digest(std::string_view(request.matches[2].str()), "the path's last part");
  if (!name.ok()) return name.error();
  CRYPTOTL_TRY(require_keys(route, *name));
  response.set_content(write_ticket_state(ticket_state({route.program, *name}), false), "application/json");
  return {};
}

TicketState Server::State::ticket_state(const TicketStore::Owner& owner) const {
  const auto [waiting, ready] = tickets->counts(owner);
  return {0, waiting, ready, tickets->ticket_bytes(owner.program)};
}

httplib::Server::Handler Server::State::get(Get answer) const {
  return [this, answer](const Request& request, Response& response) {
    const auto route = route_of(request);
    const Status status = route.ok() ? answer(**route, request, response) : Status(route.error());
    if (!status.ok()) set_error(response, status.error());
  };
}

httplib::Server::HandlerWithContentReader Server::State::send(Send answer) const {
  return [this, answer](const Request& request, Response& response, const ContentReader& body) {
    const auto route = route_of(request);
    const Status status = route.ok() ? answer(**route, request, response, body) : Status(route.error());
    if (!status.ok()) set_error(response, status.error());
  };
}

void Server::State::add_batch_routes() {
  const auto taking = [](auto answer) {
    return [answer](const Route& route, auto&&... exchange) -> Status {
      if (route.batches != nullptr) return answer(*route.batches, exchange...);
      return Error(ErrorCode::not_found, "'" + route.metadata->name + "' takes no batches");
    };
  };
  const char* const keys_path = "/v2/models/([^/]*)/batches/([^/]*)/([^/]*)/([^/]*)";
  http.Get("/v2/models/([^/]*)/batches",
           get(taking([](BatchService& service, const Request&, Response& response) {
             return service.get_state(response);
           })));
  http.Get(
      keys_path,
      get(taking([](BatchService& service, auto&&... exchange) { return service.get_keys(exchange...); })));
  http.Put(
      keys_path,
      send(taking([](BatchService& service, auto&&... exchange) { return service.put_keys(exchange...); })));
  http.Post(
      "/v2/models/([^/]*)/batches/([^/]*)/([^/]*)/([^/]*)/([^/]*)",
      send(taking([](BatchService& service, auto&&... exchange) { return service.answer(exchange...); })));
}

void Server::State::add_routes() {
  const auto constant = [](Json json) {
    return [text = json.dump()](const Request&, Response& response) {
      response.set_content(text, "application/json");
    };
  };
  http.Get("/v2/health/live", constant({{"live", true}}));
  http.Get("/v2/health/ready", constant({{"ready", true}}));
  http.Get("/v2/?", constant(server_json()));
  http.Get("/v2/models/([^/]*)",
           get([this](const Route& route, const Request&, Response& response) -> Status {
             response.set_content(model_json(route), "application/json");
             return {};
           }));
  http.Get("/v2/models/([^/]*)/ready",
           get([](const Route& route, const Request&, Response& response) -> Status {
             set_json(response, {{"name", route.metadata->name}, {"ready", true}});
             return {};
           }));
  http.Get("/v2/models/([^/]*)/keys/([^/]*)",
           get([this](const Route& route, const Request& request, Response& response) {
             return get_key_state(route, request, response);
           }));
  http.Put("/v2/models/([^/]*)/keys/([^/]*)",
           send([this](const Route& route, const Request& request, Response& response,
                       const ContentReader& body) { return put_keys(route, request, response, body); }));
  http.Post("/v2/models/([^/]*)/infer",
            send([this](const Route& route, const Request& request, Response& response,
                        const ContentReader& body) { return infer(route, request, response, body); }));
  if (tickets) {
    const char* const path = "/v2/models/([^/]*)/tickets/([^/]*)";
    http.Get(path, get([this](const Route& route, const Request& request, Response& response) {
               return get_ticket_state(route, request, response);
             }));
    http.Post(path,
              send([this](const Route& route, const Request& request, Response& response,
                          const ContentReader& body) { return announce(route, request, response, body); }));
  }
  if (batches) add_batch_routes();
  // Everything else, before the library reads a body of any length.
  const auto nowhere = [](const Request& request, Response& response, const ContentReader&) {
    set_error(response,
              Error(ErrorCode::not_found, "there is no route " + request.method + " " + request.path));
  };
  http.Post("[^]*", nowhere);
  http.Put("[^]*", nowhere);
}

namespace {

/// Why the model's scores cannot be offered; empty where they can.
std::string lacks_for_scores(const Model& model) {
  if (!model.output_layer) return "the model has no output layer";
  if (!model.score_calibration) return "the model has no score_calibration; pretrain it again";
  const size_t scores = model.output_layer->weight.rows;
  if (model.labels.size() == (scores == 1 ? 2 : scores)) return "";
  return "the output layer has " + std::to_string(scores) + " outputs for " +
         std::to_string(model.labels.size()) + " labels";
}

}  // namespace

Status Server::State::plan_offers(const Model& model, std::vector<Planned>& plans) {
  auto folded = fold(model.lower);
  if (!folded.ok()) return folded.error();
  PlanOptions wanted = options.plan;
  if (options.offer != Offer::scores) {
    wanted.outputs_alone = wanted.privacy.statistical_bits > 0;
    auto plan = plan_for_machine(*folded, model.calibration, wanted);
    if (!plan.ok()) return plan.error();
    plans.push_back({Answers::features, *folded, model.calibration, *std::move(plan)});
  }
  if (options.offer == Offer::features) return {};
  const bool must = options.offer != Offer::automatic;
  left_out = lacks_for_scores(model);
  if (!left_out.empty())
    return must ? Error(ErrorCode::invalid_argument, "no scores: " + left_out) : Status();
  FoldedNetwork network = append(*std::move(folded), *model.output_layer);
  wanted.outputs_alone = true;
  wanted.output_noise = 0;  // in units of features
  auto plan = plan_for_machine(network, *model.score_calibration, wanted);
  if (!plan.ok()) {
    if (must) return plan.error();
    left_out = plan.error().what();
    return {};
  }
  plans.push_back({Answers::scores, std::move(network), *model.score_calibration, *std::move(plan)});
  return {};
}

/// Keeps to the plans that clients' keys were made for.
Status Server::State::settle(const Model& model, std::span<Planned> plans) const {
  PlanOptions wanted = options.plan;
  for (Planned& planned : plans) {
    wanted.outputs_alone = planned.answers == Answers::scores || options.plan.privacy.statistical_bits > 0;
    wanted.output_noise = planned.answers == Answers::scores ? 0 : options.plan.output_noise;
    auto plan =
        settle_plan(options.key_store, plan_wish(model_digest(model), wanted), planned.plan, wanted.speeds);
    if (!plan.ok()) return plan.error();
    planned.plan = *std::move(plan);
  }
  return {};
}

/// The plan for so many samples that was settled on before, or one for this machine.
Result<BatchPlan> Server::State::plan_batches(const Planned& features, size_t samples) const {
  PlanOptions wanted = options.plan;
  wanted.outputs_alone = false;
  wanted.samples = samples;
  const auto plan = plan_batches_for_machine(features.network, features.calibration, wanted);
  if (!plan.ok()) return plan.error();
  return settle_plan(options.key_store, batch_plan_wish(offered.front().metadata.model_digest, wanted), *plan,
                     wanted.speeds);
}

/// Kinds of batches that are worth it: each takes well less time than the next larger.
std::vector<BatchKind> Server::State::small_batches(const Planned& features, const BatchPlan& largest) const {
  std::vector<BatchKind> out;
  double least = kWorthASmallBatch * batch_milliseconds(largest, options.plan.speeds);
  for (const size_t samples : kSmallBatches) {
    if (samples >= largest.samples()) continue;
    auto plan = plan_batches(features, samples);
    if (!plan.ok() || batch_milliseconds(*plan, options.plan.speeds) > least) continue;
    least = kWorthASmallBatch * batch_milliseconds(*plan, options.plan.speeds);
    out.push_back({*plan, [network = features.network, calibration = features.calibration, plan = *plan] {
                     return std::make_shared<const BatchProgram>(network, calibration, plan);
                   }});
  }
  std::ranges::reverse(out);
  return out;
}

/// What keeps batches from being offered is no reason not to serve.
void Server::State::prepare_batches(const Planned& features) {
  if (features.answers != Answers::features || !options.batches.offer) return;
  const PlanOptions& wanted = options.plan;
  if (wanted.privacy.statistical_bits > 0 || wanted.output_noise > 0) {
    batches_left_out =
        "their plans know no bound on what noise tells of the network, and no noise that is asked for";
    return;
  }
  ModelMetadata& metadata = offered.front().metadata;
  const auto plan = plan_batches(features, 0);
  if (!plan.ok()) {
    batches_left_out = plan.error().what();
    return;
  }
  batches = std::make_unique<BatchService>(
      std::make_shared<const BatchProgram>(features.network, features.calibration, *plan),
      small_batches(features, *plan), metadata.model_digest,
      pass_milliseconds(features.plan, options.plan.speeds), options);
  metadata.batches = batches->metadata();
  offered.front().batch_program_bytes = batches->program_bytes();
}

/// Encodes the programs.
void Server::State::prepare(const Model& model, std::span<const Planned> plans) {
  std::vector<std::shared_ptr<const LatencyProgram>> programs;
  for (const Planned& planned : plans) {
    programs.push_back(std::make_shared<const LatencyProgram>(planned.network, planned.calibration,
                                                              planned.plan, options.trusting));
    offered.push_back({ModelMetadata::of(model, planned.plan, planned.answers), programs.back()->bytes()});
  }
  prepare_batches(plans.front());
  for (size_t i = 0; i < offered.size(); ++i) {
    const ModelMetadata& metadata = offered[i].metadata;
    BatchService* const taking = metadata.batches.empty() ? nullptr : batches.get();
    routes.push_back({&metadata, KeyPlan(metadata.plan, metadata.params), i, taking});
  }
  runners = std::make_unique<RunnerPool>(programs, options.threads, options.concurrency, options.limits);
  if (options.limits.ticket_bytes > 0) tickets = std::make_unique<TicketStore>(programs, options.limits);
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(); }
const std::string& Server::url() const { return state_->url; }
const std::vector<OfferedRoute>& Server::routes() const { return state_->offered; }
const std::string& Server::left_out() const { return state_->left_out; }
const std::string& Server::batches_left_out() const { return state_->batches_left_out; }
void Server::stop() { state_->http.close(); }

Result<std::unique_ptr<Server>> Server::start(const Model& model, const ServerOptions& options) {
  auto address = parse_loopback(options.listen);
  if (!address.ok()) return address.error();
  if (options.threads == 0 || options.concurrency == 0 || options.batches.concurrency == 0) {
    return Error(ErrorCode::invalid_argument, "threads and concurrency are at least 1");
  }
  if (options.trusting && options.plan.privacy.statistical_bits > 0) {
    return Error(ErrorCode::invalid_argument,
                 "trusting leaves out the noise that circuit privacy asks for; right is one of the two");
  }
  try {
    auto state = std::make_unique<State>(options);
    std::vector<State::Planned> plans;
    CRYPTOTL_TRY(state->plan_offers(model, plans));
    auto keys = KeyStore::open(options.key_store, options.limits);
    if (!keys.ok()) return keys.error();
    state->keys = *std::move(keys);
    CRYPTOTL_TRY(state->settle(model, plans));
    state->ledgers = std::make_unique<SeedLedgers>(options.key_store, options.limits);
    state->prepare(model, plans);
    state->add_routes();
    CRYPTOTL_TRY(state->http.listen_on(*address));
    state->url = address->url();
    return std::unique_ptr<Server>(new Server(std::move(state)));
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace cryptotl
