#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cryptotl/plan/planner.h"
#include "cryptotl/service/limits.h"
#include "cryptotl/service/metadata.h"

namespace cryptotl {

struct Model;

/// What a server offers of its model: `features`, from which clients train heads of their own, `scores` of
/// the provider's output layer and nothing else, or both, each under a name, with plan and keys of its own.
/// `automatic` is both where the model has an output layer and score_calibration and its scores can be
/// planned, else features.
enum class Offer { automatic, features, scores, both };

/// How a server takes batches: many inputs in one run of their own (BatchPlan), of features only.
struct BatchOptions {
  bool offer = true;  ///< where features are offered, and a plan for batches reaches the precision
  /// Answers carry no fresh encryptions of zero: quicker, and their noise tells clients of the weights
  /// (docs/security.md).
  bool trusting = false;
  std::optional<uint64_t> epoch;  ///< of the seed that batches share; none takes current_epoch()
  size_t concurrency = 1;         ///< batches at a time, each of hundreds of megabytes
};

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  ///< ADDRESS:PORT; port 0 takes a free one
  std::filesystem::path key_store;     ///< folder of the clients' evaluation keys; made where it is missing
  size_t threads = 1;                  ///< of one pass
  size_t concurrency = 1;              ///< passes at a time
  PlanOptions plan;  ///< how precise answers are; outputs_alone follows from what is offered
  Offer offer = Offer::automatic;
  /// Answers to single inputs carry neither fresh encryptions of zero nor the plan's flood: a little quicker,
  /// and their noise tells clients of the weights (docs/security.md). Batches have an option of their own.
  bool trusting = false;
  BatchOptions batches;
  ServiceLimits limits;
};

/// One route: what it published at the start, and what its programs take.
struct OfferedRoute {
  ModelMetadata metadata;
  size_t program_bytes = 0;        ///< of encoded matrices in memory
  size_t batch_program_bytes = 0;  ///< of those for batches
};

/// Serves one model over HTTP in the Open Inference Protocol v2 (docs/protocol.md). It holds no secret key
/// and links no decryption. All functions may be called from any thread.
class Server {
 public:
  /// Folds and plans the model, encodes its matrices, opens the key store and listens. insecure_parameters
  /// for an address that is not loopback (there is no TLS yet), resource_exhausted for a port that is taken,
  /// invalid_argument for scores that the model has no output layer or no calibration for, and what fold()
  /// and plan_latency() refuse.
  static Result<std::unique_ptr<Server>> start(const Model& model, const ServerOptions& options);

  /// Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Such as "http://127.0.0.1:8000".
  const std::string& url() const;
  /// Features before scores.
  const std::vector<OfferedRoute>& routes() const;
  /// Of the first route.
  const ModelMetadata& metadata() const { return routes().front().metadata; }
  /// Why scores are not offered, in one line; empty where they are or were not asked for.
  const std::string& left_out() const;
  /// The same of batches.
  const std::string& batches_left_out() const;

  /// Takes no more requests, answers those that have arrived whole, closes every connection, then returns.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cryptotl
