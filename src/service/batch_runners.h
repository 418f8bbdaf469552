#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cryptotl/execute/batch.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// The runners that batches of all kinds take turns on, `concurrency` at a time. One takes hundreds of
/// megabytes, so it is made when it is first wanted and freed when nobody has wanted it for a while, or when
/// its turn goes to a batch of another kind. Thread-safe.
class BatchRunners {
 public:
  using Clock = std::chrono::steady_clock;
  /// Gives a kind's program. Called from several threads; may throw std::bad_alloc.
  using MakeProgram = std::function<std::shared_ptr<const BatchProgram>()>;

  BatchRunners(std::vector<MakeProgram> kinds, size_t threads, size_t concurrency,
               const ServiceLimits& limits);

  /// A runner for as long as this object lives. Must not outlive the BatchRunners.
  class Turn {
   public:
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&&) = delete;
    ~Turn();
    BatchRunner& runner() const { return *runner_; }

   private:
    friend class BatchRunners;
    Turn(BatchRunners& owner, size_t kind, std::unique_ptr<BatchRunner> runner)
        : owner_(&owner), kind_(kind), runner_(std::move(runner)) {}
    BatchRunners* owner_;
    size_t kind_;
    std::unique_ptr<BatchRunner> runner_;
  };

  /// The next free turn, for a batch of this kind. resource_exhausted where too many wait already, none came
  /// free in time, or there is no memory for a runner.
  Result<Turn> take(size_t kind);
  /// A turn that nobody has wanted for the limits' time, for work in idle time; none where there is none.
  /// `hurry` is called where somebody comes to wait for it, from that thread.
  std::optional<Turn> take_idle(size_t kind, std::function<void()> hurry);
  /// Called when a turn comes free, from the thread that had it; set it before the first turn.
  void on_free(std::function<void()> call) { on_free_ = std::move(call); }

  /// Frees runners that have been unused for the limits' time.
  void free_unused();
  /// When the next one will have been.
  std::optional<Clock::time_point> next_free();
  /// When take_idle() may give a turn at the earliest, if no turn comes free before that.
  Clock::time_point next_idle();
  /// Of all runners that there are.
  size_t bytes();

 private:
  struct Unused {
    std::unique_ptr<BatchRunner> runner;
    size_t kind;
    Clock::time_point since;
  };
  std::unique_ptr<BatchRunner> runner_of_turn(size_t kind, std::unique_lock<std::mutex>& lock);
  std::unique_ptr<BatchRunner> make(size_t kind) const;
  std::unique_ptr<BatchRunner> remove(std::vector<Unused>::iterator unused);
  void give_back(size_t kind, std::unique_ptr<BatchRunner> runner);

  const std::vector<MakeProgram> kinds_;
  const size_t threads_;
  const ServiceLimits limits_;
  std::function<void()> on_free_;

  std::mutex mutex_;
  std::condition_variable freed_;
  size_t turns_;  ///< that are free
  size_t waiting_ = 0;
  std::vector<Unused> unused_;  ///< used last stands last; no more than turns that are free
  size_t runner_bytes_ = 0;     ///< of all that there are, used or not
  Clock::time_point last_used_{};
  std::function<void()> hurry_;  ///< of the turn that was taken for idle time, while it lasts
  const BatchRunner* idle_ = nullptr;
};

}  // namespace cryptotl
