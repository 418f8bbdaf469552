#include "service/batch_runners.h"

#include <algorithm>
#include <utility>

namespace cryptotl {

namespace {

size_t bytes_of(const BatchRunner& runner) { return runner.memory_bytes() + runner.program().bytes(); }

}  // namespace

BatchRunners::BatchRunners(std::vector<MakeProgram> kinds, size_t threads, size_t concurrency,
                           const ServiceLimits& limits)
    : kinds_(std::move(kinds)), threads_(threads), limits_(limits), turns_(concurrency) {
  unused_.reserve(concurrency);  // giving back never fails
}

BatchRunners::Turn::Turn(Turn&& other) noexcept
    : owner_(other.owner_), kind_(other.kind_), runner_(std::move(other.runner_)) {}

BatchRunners::Turn::~Turn() {
  if (runner_) owner_->give_back(kind_, std::move(runner_));
}

/// None where there is no memory.
std::unique_ptr<BatchRunner> BatchRunners::make(size_t kind) const {
  try {
    return std::make_unique<BatchRunner>(kinds_[kind](), threads_);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

/// Under the lock.
std::unique_ptr<BatchRunner> BatchRunners::remove(std::vector<Unused>::iterator unused) {
  auto runner = std::move(unused->runner);
  unused_.erase(unused);
  return runner;
}

/// For a turn that has been taken: gives it back where there is no memory.
std::unique_ptr<BatchRunner> BatchRunners::runner_of_turn(size_t kind, std::unique_lock<std::mutex>& lock) {
  const auto same = std::ranges::find(unused_, kind, &Unused::kind);
  if (same != unused_.end()) return remove(same);
  std::unique_ptr<BatchRunner> other;
  if (unused_.size() > turns_) {  // one of them had this turn before
    other = remove(unused_.begin());
    runner_bytes_ -= bytes_of(*other);
  }
  lock.unlock();
  other.reset();  // before more memory is asked for
  std::unique_ptr<BatchRunner> runner = make(kind);
  lock.lock();
  if (runner) {
    runner_bytes_ += bytes_of(*runner);
  } else {
    ++turns_;
    freed_.notify_one();
  }
  return runner;
}

Result<BatchRunners::Turn> BatchRunners::take(size_t kind) {
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
  auto runner = runner_of_turn(kind, lock);
  if (!runner) return Error(ErrorCode::resource_exhausted, "no memory is left for a batch; try again later");
  return Turn(*this, kind, std::move(runner));
}

std::optional<BatchRunners::Turn> BatchRunners::take_idle(size_t kind, std::function<void()> hurry) {
  std::unique_lock lock(mutex_);
  if (turns_ == 0 || waiting_ > 0 || Clock::now() < last_used_ + limits_.batch_quiet_time)
    return std::nullopt;
  --turns_;
  auto runner = runner_of_turn(kind, lock);
  if (!runner) return std::nullopt;
  hurry_ = std::move(hurry);
  idle_ = runner.get();
  if (waiting_ > 0) hurry_();
  return Turn(*this, kind, std::move(runner));
}

void BatchRunners::give_back(size_t kind, std::unique_ptr<BatchRunner> runner) {
  {
    const std::lock_guard lock(mutex_);
    if (runner.get() == idle_) {
      hurry_ = nullptr;
      idle_ = nullptr;
    } else {
      last_used_ = Clock::now();
    }
    unused_.push_back({std::move(runner), kind, Clock::now()});
    ++turns_;
  }
  freed_.notify_one();
  if (on_free_) on_free_();
}

void BatchRunners::free_unused() {
  std::vector<std::unique_ptr<BatchRunner>> gone;  // freed without the lock
  const std::lock_guard lock(mutex_);
  const auto oldest = Clock::now() - limits_.batch_runner_time;
  while (!unused_.empty() && unused_.front().since <= oldest) {
    runner_bytes_ -= bytes_of(*unused_.front().runner);
    gone.push_back(remove(unused_.begin()));
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
  return runner_bytes_;
}

}  // namespace cryptotl
