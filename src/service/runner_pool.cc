#include "service/runner_pool.h"

#include <chrono>

namespace cryptotl {

RunnerPool::RunnerPool(std::span<const std::shared_ptr<const LatencyProgram>> programs, size_t threads,
                       size_t concurrency, const ServiceLimits& limits)
    : limits_(limits), turns_(concurrency) {
  for (const auto& program : programs) {
    auto& runners = free_.emplace_back();
    for (size_t i = 0; i < concurrency; ++i)
      runners.push_back(std::make_unique<LatencyRunner>(program, threads));
  }
}

Result<std::unique_ptr<LatencyRunner>> RunnerPool::take(size_t program) {
  std::unique_lock lock(mutex_);
  if (turns_ == 0) {
    if (waiting_ >= limits_.waiting_requests) {
      return Error(ErrorCode::resource_exhausted,
                   std::to_string(waiting_) + " requests wait already; try again later");
    }
    ++waiting_;
    const bool came = freed_.wait_for(lock, limits_.wait_time, [this] { return turns_ > 0; });
    --waiting_;
    if (!came) return Error(ErrorCode::resource_exhausted, "the server is too busy; try again later");
  }
  --turns_;
  auto runner = std::move(free_[program].back());
  free_[program].pop_back();
  return runner;
}

void RunnerPool::give_back(size_t program, std::unique_ptr<LatencyRunner> runner) {
  {
    const std::lock_guard lock(mutex_);
    free_[program].push_back(std::move(runner));
    ++turns_;
  }
  freed_.notify_one();
}

Result<PassResult> RunnerPool::answer(size_t program, ByteView request, const LatencyKeys& keys,
                                      const TakeTicket& take_ticket) {
  auto runner = take(program);
  if (!runner.ok()) return runner.error();
  const std::unique_ptr<const Ticket> ticket = take_ticket();
  const auto start = std::chrono::steady_clock::now();
  Result<Bytes> answer = [&]() -> Result<Bytes> {
    try {
      return (*runner)->answer(request, keys, ticket.get());
    } catch (const Error& error) {
      return error;
    } catch (const std::bad_alloc&) {
      return Error(ErrorCode::resource_exhausted, "out of memory");
    }
  }();
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  give_back(program, *std::move(runner));
  if (!answer.ok()) return answer.error();
  return PassResult{*std::move(answer), time.count(), ticket != nullptr};
}

}  // namespace cryptotl
