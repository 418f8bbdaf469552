#pragma once

#include <httplib.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "cryptotl/service/server.h"
#include "service/batch_halves.h"
#include "service/batch_key_store.h"
#include "service/batch_runners.h"

namespace cryptotl {

/// One kind of batches: its program is made where it is wanted, or there already.
struct BatchKind {
  BatchPlan plan;
  BatchRunners::MakeProgram program;
};

/// The batches of one model: its routes below .../batches (docs/protocol.md), and a thread that in idle time
/// makes what batches need that no client has to be there for, and lets go of what is no longer used.
/// Thread-safe.
class BatchService {
 public:
  /// `program`: of batches that take a sample in each slot. `small`: of fewer samples, ascending.
  /// `pass_milliseconds`: of one input by itself, to be published.
  BatchService(std::shared_ptr<const BatchProgram> program, const std::vector<BatchKind>& small,
               const Digest& model, double pass_milliseconds, const ServerOptions& options);
  ~BatchService();
  BatchService(const BatchService&) = delete;
  BatchService& operator=(const BatchService&) = delete;

  /// What is offered today.
  std::vector<BatchMetadata> metadata() const;
  size_t program_bytes() const { return program_->bytes(); }

  // The last parts of the paths are the samples of a batch, the epoch, the digest that names keys and the
  // batch's number.
  Status get_state(httplib::Response& response);
  Status get_keys(const httplib::Request& request, httplib::Response& response);
  Status put_keys(const httplib::Request& request, httplib::Response& response,
                  const httplib::ContentReader& body);
  Status answer(const httplib::Request& request, httplib::Response& response,
                const httplib::ContentReader& body);

 private:
  using Clock = std::chrono::steady_clock;
  uint64_t epoch() const { return fixed_epoch_ ? *fixed_epoch_ : current_epoch(); }
  void wake();
  struct Offer;
  Result<Offer*> offer_in_path(const httplib::Request& request);
  std::shared_ptr<const BatchHalf> half_of(const Offer& offer, uint64_t of_epoch, uint64_t number);
  bool make_half();
  Clock::time_point next_chore();
  void work();

  const std::shared_ptr<const BatchProgram> program_;
  const Digest model_;
  const std::optional<uint64_t> fixed_epoch_;
  const bool trusting_;
  struct Offer {
    size_t kind;
    BatchMetadata metadata;  ///< of the epoch at the start; all else stays
    BatchKeyStore keys;
  };
  std::vector<std::unique_ptr<Offer>> offers_;  ///< the last takes a sample in each slot
  BatchRunners runners_;
  BatchHalves halves_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stop_ = false;
  std::thread worker_;  // last: it uses all of the above
};

}  // namespace cryptotl
