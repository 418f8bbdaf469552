#include "service/runner_pool.h"

#include <chrono>

namespace cryptotl {

RunnerPool::RunnerPool(const std::shared_ptr<const LatencyProgram>& program, size_t threads,
                       size_t concurrency, const ServiceLimits& limits)
    : limits_(limits) {
  for (size_t i = 0; i < concurrency; ++i) free_.push_back(std::make_unique<LatencyRunner>(program, threads));
}

Result<std::unique_ptr<LatencyRunner>> RunnerPool::take() {
  std::unique_lock lock(mutex_);
  if (free_.empty()) {
    if (waiting_ >= limits_.waiting_requests) {
      return Error(ErrorCode::resource_exhausted,
                   std::to_string(waiting_) + " requests wait already; try again later");
    }
    ++waiting_;
    const bool came = freed_.wait_for(lock, limits_.wait_time, [this] { return !free_.empty(); });
    --waiting_;
    if (!came) return Error(ErrorCode::resource_exhausted, "the server is too busy; try again later");
  }
  auto runner = std::move(free_.back());
  free_.pop_back();
  return runner;
}

void RunnerPool::give_back(std::unique_ptr<LatencyRunner> runner) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(runner));
  }
  freed_.notify_one();
}

Result<Bytes> RunnerPool::answer(ByteView request, const LatencyKeys& keys, double* milliseconds) {
  auto runner = take();
  if (!runner.ok()) return runner.error();
  const auto start = std::chrono::steady_clock::now();
  Result<Bytes> answer = [&]() -> Result<Bytes> {
    try {
      return (*runner)->answer(request, keys);
    } catch (const Error& error) {
      return error;
    } catch (const std::bad_alloc&) {
      return Error(ErrorCode::resource_exhausted, "out of memory");
    }
  }();
  *milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  give_back(*std::move(runner));
  return answer;
}

}  // namespace cryptotl
