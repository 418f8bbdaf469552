#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cryptotl/plan/model.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/service/limits.h"
#include "cryptotl/service/metadata.h"

namespace cryptotl {

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  ///< ADDRESS:PORT; port 0 takes a free one
  std::filesystem::path key_store;     ///< folder of the clients' evaluation keys; made where it is missing
  size_t threads = 1;                  ///< of one pass
  size_t concurrency = 1;              ///< passes at a time
  PlanOptions plan;                    ///< how precise answers are
  ServiceLimits limits;
};

/// Serves one model over HTTP in the Open Inference Protocol v2 (docs/protocol.md). It holds no secret key
/// and links no decryption. All functions may be called from any thread.
class Server {
 public:
  /// Folds and plans the model, encodes its matrices, opens the key store and listens. insecure_parameters
  /// for an address that is not loopback (there is no TLS yet), resource_exhausted for a port that is taken,
  /// and what fold() and plan_latency() refuse.
  static Result<std::unique_ptr<Server>> start(const Model& model, const ServerOptions& options);

  /// Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Such as "http://127.0.0.1:8000".
  const std::string& url() const;
  const ModelMetadata& metadata() const;

  /// Takes no more requests, answers those that have arrived whole, closes every connection, then returns.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cryptotl
