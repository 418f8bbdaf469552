#include "service/batch_runners.h"

#include <utility>

namespace cryptotl {

BatchRunners::BatchRunners(std::shared_ptr<const BatchProgram> program, size_t threads, size_t concurrency,
                           const ServiceLimits& limits)
    : program_(std::move(program)), threads_(threads), limits_(limits), turns_(concurrency) {
  unused_.reserve(concurrency);  // giving back never fails
}

BatchRunners::Turn::Turn(Turn&& other) noexcept : owner_(other.owner_), runner_(std::move(other.runner_)) {}

BatchRunners::Turn::~Turn() {
  if (runner_) owner_->give_back(std::move(runner_));
}

/// For a turn that has been taken: gives it back where there is no memory.
std::unique_ptr<BatchRunner> BatchRunners::runner_of_turn(std::unique_lock<std::mutex>& lock) {
  if (!unused_.empty()) {
    auto runner = std::move(unused_.back().runner);
    unused_.pop_back();
    return runner;
  }
  lock.unlock();
  std::unique_ptr<BatchRunner> runner;
  try {
    runner = std::make_unique<BatchRunner>(program_, threads_);
  } catch (const std::bad_alloc&) {
  }
  lock.lock();
  if (runner) {
    ++runners_;
    runner_bytes_ = runner->memory_bytes();
  } else {
    ++turns_;
    freed_.notify_one();
  }
  return runner;
}

Result<BatchRunners::Turn> BatchRunners::take() {
  std::unique_lock lock(mutex_);
  if (turns_ == 0) {
    if (waiting_ >= limits_.waiting_batches) {
      return Error(ErrorCode::resource_exhausted,
                   std::to_string(waiting_) + " batches wait already; try again later");
    }
    if (hurry_) hurry_();
    ++waiting_;
    const bool came = freed_.wait_for(lock, limits_.wait_time, [this] { return turns_ > 0; });
    --waiting_;
    if (!came) {
      return Error(ErrorCode::resource_exhausted, "the server is busy with other batches; try again later");
    }
  }
  --turns_;
  auto runner = runner_of_turn(lock);
  if (!runner) return Error(ErrorCode::resource_exhausted, "no memory is left for a batch; try again later");
  return Turn(*this, std::move(runner));
}

std::optional<BatchRunners::Turn> BatchRunners::take_idle(std::function<void()> hurry) {
  std::unique_lock lock(mutex_);
  if (turns_ == 0 || waiting_ > 0 || Clock::now() < last_used_ + limits_.batch_quiet_time)
    return std::nullopt;
  --turns_;
  auto runner = runner_of_turn(lock);
  if (!runner) return std::nullopt;
  hurry_ = std::move(hurry);
  idle_ = runner.get();
  if (waiting_ > 0) hurry_();
  return Turn(*this, std::move(runner));
}

void BatchRunners::give_back(std::unique_ptr<BatchRunner> runner) {
  {
    const std::lock_guard lock(mutex_);
    if (runner.get() == idle_) {
      hurry_ = nullptr;
      idle_ = nullptr;
    } else {
      last_used_ = Clock::now();
    }
    unused_.push_back({std::move(runner), Clock::now()});
    ++turns_;
  }
  freed_.notify_one();
  if (on_free_) on_free_();
}

void BatchRunners::free_unused() {
  std::vector<Unused> gone;  // freed without the lock
  const std::lock_guard lock(mutex_);
  const auto oldest = Clock::now() - limits_.batch_runner_time;
  while (!unused_.empty() && unused_.front().since <= oldest) {
    --runners_;
    gone.push_back(std::move(unused_.front()));
    unused_.erase(unused_.begin());
  }
}

std::optional<BatchRunners::Clock::time_point> BatchRunners::next_free() {
  const std::lock_guard lock(mutex_);
  if (unused_.empty()) return std::nullopt;
  return unused_.front().since + limits_.batch_runner_time;
}

BatchRunners::Clock::time_point BatchRunners::next_idle() {
  const std::lock_guard lock(mutex_);
  if (turns_ == 0 || waiting_ > 0) return Clock::time_point::max();
  return last_used_ + limits_.batch_quiet_time;
}

size_t BatchRunners::bytes() {
  const std::lock_guard lock(mutex_);
  return runners_ * runner_bytes_;
}

}  // namespace cryptotl
