#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "cryptotl/execute/latency.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// The runners that passes take turns on. Thread-safe.
class RunnerPool {
 public:
  RunnerPool(const std::shared_ptr<const LatencyProgram>& program, size_t threads, size_t concurrency,
             const ServiceLimits& limits);

  /// Runs one pass on the next free runner. resource_exhausted where too many wait already, or where none
  /// came free in time; else as LatencyRunner::answer. `milliseconds` is the pass alone, without the wait.
  Result<Bytes> answer(ByteView request, const LatencyKeys& keys, double* milliseconds);

 private:
  Result<std::unique_ptr<LatencyRunner>> take();
  void give_back(std::unique_ptr<LatencyRunner> runner);

  const ServiceLimits limits_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<LatencyRunner>> free_;
  size_t waiting_ = 0;
};

}  // namespace cryptotl
