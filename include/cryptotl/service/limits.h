#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cryptotl {

/// Every bound that the service puts on what comes from outside, checked before anything is allocated. The
/// length of a body is not among them: each route computes it exactly from the plan (docs/protocol.md).
struct ServiceLimits {
  size_t request_line_bytes = 1024;
  size_t head_bytes = 8192;  ///< request line and headers
  size_t header_count = 64;
  size_t json_bytes = 4096;  ///< the JSON part of an inference request
  size_t json_depth = 16;
  size_t id_bytes = 128;  ///< of a request's id, which the answer repeats

  size_t connections = 64;       ///< one thread each; more are answered 503 and closed
  size_t waiting_requests = 32;  ///< inferences that wait for a runner; more are answered 503
  size_t waiting_uploads = 4;    ///< key uploads at a time; more are answered 503
  size_t requests_per_connection = 100'000;

  size_t key_cache_bytes = size_t{256} << 20;  ///< prepared keys in memory; the least recently used go first
  size_t key_store_bytes = size_t{4} << 30;    ///< keys on disk; more are refused, none is thrown away

  size_t ticket_bytes = size_t{64} << 20;          ///< tickets in memory; 0 offers none
  size_t ticket_shares = 2;                        ///< one key set takes at most one such part of them
  std::chrono::milliseconds ticket_time{600'000};  ///< for which an unused one is kept
  size_t seeds_a_key_set = size_t{1} << 20;  ///< that a ledger holds, 40 MB on disk; then new keys are due
  size_t seeds_in_memory = size_t{1} << 20;  ///< of all ledgers but the one in use, at about 60 bytes

  size_t batch_keys_bytes = size_t{256}
                            << 20;  ///< keys for batches in memory; the least recently used go first
  size_t batch_key_sets = 256;      ///< likewise
  std::chrono::milliseconds batch_keys_time{3'600'000};  ///< for which unused ones are kept
  size_t forgotten_key_sets = size_t{1} << 16;  ///< whose names are kept, so that none of them comes back
  size_t waiting_batches = 8;                   ///< that wait for a runner; more are answered 503
  std::chrono::milliseconds batch_runner_time{60'000};  ///< for which an unused runner keeps its memory
  std::chrono::milliseconds batch_quiet_time{2'000};    ///< without batches, before idle time works for them
  size_t batch_cache_bytes = 1'000'000'000;  ///< halves of batches on disk (BatchHalf); 0 keeps none

  std::chrono::milliseconds head_time{10'000};  ///< for the whole head, from its first byte
  std::chrono::milliseconds idle_time{
      10'000};  ///< between two bytes of a body, or of an answer that is not read
  std::chrono::milliseconds keep_alive_time{60'000};  ///< between two requests of a connection
  std::chrono::milliseconds body_grace{10'000};       ///< a body may take this and, from then on, ...
  size_t body_bytes_per_second = 64 << 10;            ///< ... must have come at this mean rate
  std::chrono::milliseconds wait_time{30'000};        ///< for a runner; then 503
  std::chrono::milliseconds linger_time{
      2'000};  ///< for the rest of a refused body, so that its answer is read
};

/// Seeds in one announcement.
inline constexpr size_t kMaxAnnouncedSeeds = 64;

/// Batches under one set of keys: their numbers are below it. Then new keys are due.
inline constexpr uint64_t kBatchesAKeySet = 4096;

/// What a client accepts from a server at most.
inline constexpr size_t kMaxMetadataBytes = size_t{16} << 20;

}  // namespace cryptotl
