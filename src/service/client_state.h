#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cryptotl/service/client.h"
#include "cryptotl/service/limits.h"
#include "service/http_client.h"

namespace cryptotl {

/// A client's connection and what it knows of the server; client.cc and batch_client.cc share it.
struct ServiceClient::State {
  using Send = std::function<httplib::Result(HttpClient&)>;

  State(const Address& server, const ClientOptions& chosen)
      : url(server.url()),
        options(chosen),
        http(server, chosen.connect_time, chosen.request_time, kMaxMetadataBytes) {}

  /// The answer to a request, sent again, as the same bytes, while the connection breaks or the server is
  /// busy: a number of times, and beyond that until the patience is over. Any status.
  Result<httplib::Response> exchange(const Send& send, std::chrono::milliseconds patience = {});
  /// The answer where its status is `wanted`; the server's error otherwise.
  Result<httplib::Response> ask(const Send& send, int wanted = 200, std::chrono::milliseconds patience = {});
  void tell_waiting(const Error& error, std::chrono::milliseconds patience) const;
  /// The answer to a request that is sent once.
  Result<httplib::Response> ask_once(const Send& send);
  Result<nlohmann::json> get_json(const std::string& path);
  Result<std::vector<std::string>> model_names();
  Result<ModelMetadata> metadata_of(const std::string& model);
  Status read_metadata();

  Error failed(ErrorCode code, const std::string& why) const { return Error(code, url + ": " + why); }
  Error no_answer(httplib::Error error) const;
  Error refusal(const httplib::Response& response) const;
  std::string model_path() const { return "/v2/models/" + metadata.name; }
  std::string key_path(const Digest& keys) const { return model_path() + "/keys/" + hex(keys); }
  std::string batch_path(const BatchMetadata& offer, const Digest& keys) const {
    return model_path() + "/batches/" + std::to_string(offer.plan.samples()) + "/" +
           std::to_string(offer.epoch) + "/" + hex(keys);
  }
  std::string ticket_path(const Digest& keys) const { return model_path() + "/tickets/" + hex(keys); }
  Result<TicketState> ticket_state(const httplib::Response& response, bool announced) const;

  const std::string url;
  const ClientOptions options;
  HttpClient http;
  bool offers_tickets = false;
  ModelMetadata metadata;
};

}  // namespace cryptotl
