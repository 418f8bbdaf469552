#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "cryptotl/execute/latency.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

struct PassResult {
  Bytes answer;
  double milliseconds = 0;  ///< of the pass alone, without the wait
  bool prepared = false;    ///< there was a ticket
};

/// The runners that passes take turns on: `concurrency` at a time, of all programs together. Thread-safe.
class RunnerPool {
 public:
  RunnerPool(std::span<const std::shared_ptr<const LatencyProgram>> programs, size_t threads,
             size_t concurrency, const ServiceLimits& limits);

  using TakeTicket = std::function<std::unique_ptr<const Ticket>()>;

  /// Runs one pass of a program, which its place in the list names, at the next free turn. The ticket is
  /// asked for once its turn has come: it may become ready meanwhile, and is not lost where none comes.
  /// resource_exhausted where too many wait already, or where none came free in time; else as
  /// LatencyRunner::answer.
  Result<PassResult> answer(size_t program, ByteView request, const LatencyKeys& keys,
                            const TakeTicket& take_ticket);

 private:
  Result<std::unique_ptr<LatencyRunner>> take(size_t program);
  void give_back(size_t program, std::unique_ptr<LatencyRunner> runner);

  const ServiceLimits limits_;
  std::mutex mutex_;
  std::condition_variable freed_;
  size_t turns_;  ///< that are free; then every program has a free runner
  std::vector<std::vector<std::unique_ptr<LatencyRunner>>> free_;  ///< of each program
  size_t waiting_ = 0;
};

}  // namespace cryptotl
