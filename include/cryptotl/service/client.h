#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cryptotl/base/progress.h"
#include "cryptotl/base/random.h"
#include "cryptotl/service/metadata.h"

namespace cryptotl {

struct ClientOptions {
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds request_time{120'000};  ///< for one request and its answer
  size_t attempts = 4;  ///< of a request whose connection breaks or that the server is too busy for
  /// An inference is tried again for so long at least, with pauses of up to five seconds.
  std::chrono::milliseconds patience{0};
  /// Told once an inference has failed twice, if there is patience: one line that says why and for how long.
  std::function<void(const std::string&)> on_wait;
  /// Which of the server's routes to use; none takes features where they are offered, else scores.
  std::optional<Answers> answers = Answers::features;
};

/// An encrypted answer, still to be decrypted by the key's owner.
struct InferenceAnswer {
  Bytes ciphertext;
  double server_ms = 0;   ///< what the server measured, from request bytes to answer bytes
  bool prepared = false;  ///< the server had worked ahead for this request's seed
};

/// What a server has of one key set's tickets.
struct TicketState {
  size_t accepted = 0;      ///< of the seeds that were just announced, so many of the first
  size_t waiting = 0;       ///< announced, and not worked on yet
  size_t ready = 0;         ///< worked ahead for
  size_t ticket_bytes = 0;  ///< of the server's memory that each takes
};

/// What the parts of one batch took on the server, in milliseconds.
struct BatchTimes {
  double server_ms = 0;  ///< all of what follows
  double read_ms = 0;    ///< of rows: parsing, checking, expanding
  std::vector<double> matrix_ms;
  double activation_ms = 0;
  double answer_ms = 0;
  bool prepared = false;  ///< the server had worked ahead for this batch's number
};

/// What a server holds for batches at the moment.
struct BatchState {
  uint64_t epoch = 0;
  size_t prepared = 0;      ///< batch numbers of this epoch that it has worked ahead for
  size_t waiting = 0;       ///< that it will, in idle time
  size_t runner_bytes = 0;  ///< of memory: for running batches, ...
  size_t key_bytes = 0;     ///< ... and of clients' keys
};

/// One batch, as the client has it and takes its answer.
struct BatchExchange {
  Digest keys{};
  uint64_t number = 0;
  /// The bytes of a row (write_batch_row). Asked for in order; where the batch is sent again, again from 0
  /// on, and every time the same bytes.
  std::function<Bytes(size_t row)> row;
  /// Takes a row of the answer, in order; likewise again from 0 on. What it refuses ends the exchange.
  std::function<Status(size_t row, ByteView bytes)> take_answer;
  /// Counts rows that have gone and come.
  ProgressFunction progress;
};

/// The network side of a client: one connection, kept alive, to one server and one route of its model. It
/// never holds a secret key, and no call takes anything that depends on a decrypted value. A request that is
/// tried again is sent as the identical bytes. Not thread-safe: one client a thread.
///
/// Every error is one line that names the server: resource_exhausted where it is gone, refuses the connection
/// or stays too busy, malformed where what answers is no CryptoTL server or breaks the protocol, and the
/// server's own code and message where it refuses a request.
class ServiceClient {
 public:
  /// Connects to http://HOST:PORT and reads the route's metadata. invalid_argument for another kind of URL,
  /// insecure_parameters for a host that is not loopback (there is no TLS yet), not_found where the server
  /// does not offer such answers.
  static Result<ServiceClient> connect(const std::string& url, const ClientOptions& options = {});

  ~ServiceClient();
  ServiceClient(ServiceClient&&) noexcept;
  ServiceClient& operator=(ServiceClient&&) noexcept;

  const std::string& url() const;
  /// As it was when connecting; a server that has another model since refuses infer().
  const ModelMetadata& metadata() const;

  /// Whether the server stores the evaluation keys whose bytes have this digest.
  Result<bool> has_keys(const Digest& keys);
  /// Sends a client's keys (write_key_set) unless they are there already; `progress` counts bytes.
  /// Returns their digest, which names them from then on.
  Result<Digest> upload_keys(ByteView keys, const ProgressFunction& progress = {});
  /// Sends one encrypted input (write_ciphertext) and returns the encrypted answer. missing_key where the
  /// server does not have these keys (any more): upload them and call again.
  Result<InferenceAnswer> infer(ByteView request, const Digest& keys);

  /// Whether the server works ahead for seeds that are announced.
  bool offers_tickets() const;
  /// Announces 1 to kMaxAnnouncedSeeds seeds, each of which will encrypt one input under these keys and none
  /// before this call. The server takes as many of the first as it has room for. It is tried once: a seed
  /// that has been announced and is again is refused, and no answer is as good as a refusal.
  Result<TicketState> announce(std::span<const Seed> seeds, const Digest& keys);
  /// How far the server is.
  Result<TicketState> ticket_state(const Digest& keys);

  /// Reads again what the server says of batches: its epoch may be another by now, and its plans after a
  /// restart. not_found where it takes none, parameter_mismatch where it has another model.
  Result<std::vector<BatchMetadata>> refresh_batches();
  /// Sends the keys of a job of such batches: evaluation keys (write_evaluation_keys), then the public key
  /// (write_public_key). Returns their digest. The server holds them in memory alone.
  Result<Digest> upload_batch_keys(const BatchMetadata& offer, ByteView keys);
  /// Sends one batch and takes its answer, row by row; neither is ever whole in memory. Tried again as
  /// infer(). missing_key where the server does not have the keys (any more): make new ones, and a new batch.
  Result<BatchTimes> run_batch(const BatchMetadata& offer, const BatchExchange& exchange);
  Result<BatchState> batch_state();

 private:
  struct State;
  explicit ServiceClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cryptotl
