#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "cryptotl/execute/latency.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// Announced seeds and the tickets that a thread of its own makes of them, when no other thread wants the
/// processor. Takes no more than ServiceLimits::ticket_bytes, of one key set no more than its share; what is
/// not used in time is forgotten. Thread-safe.
class TicketStore {
 public:
  /// Whose: a program, by its place in the list, under one key set.
  struct Owner {
    size_t program = 0;
    Digest keys{};
    auto operator<=>(const Owner&) const = default;
  };
  struct Counts {
    size_t waiting = 0;  ///< announced and not made yet
    size_t ready = 0;
  };

  TicketStore(std::span<const std::shared_ptr<const LatencyProgram>> programs, const ServiceLimits& limits);
  /// Ends once the ticket that is being made is done: within the time of a pass where a processor is free.
  ~TicketStore();
  TicketStore(const TicketStore&) = delete;
  TicketStore& operator=(const TicketStore&) = delete;

  size_t ticket_bytes(size_t program) const { return workshops_[program].ticket_bytes; }

  /// Takes the first of the seeds, as many as there is room for, and returns how many. All are refused
  /// (parameter_mismatch) where one stands twice or is here already. Keys that have left the memory by the
  /// time that their turn comes are not waited for: their seeds are dropped.
  Result<size_t> announce(const Owner& owner, const std::shared_ptr<const LatencyKeys>& keys,
                          std::span<const Seed> seeds);
  Counts counts(const Owner& owner);
  /// The ticket of a seed that has come to be used, or none where it was not announced or is not ready. It is
  /// forgotten in any case.
  std::unique_ptr<const Ticket> take(const Owner& owner, const Seed& seed);

 private:
  using Clock = std::chrono::steady_clock;
  struct Place {
    Seed seed;
    Clock::time_point until;
    std::unique_ptr<const Ticket> ticket;  ///< none while it waits
  };
  /// One owner's places, in the order of their announcements; never empty.
  struct Shelf {
    std::weak_ptr<const LatencyKeys> keys;
    std::vector<Place> places;
  };
  /// What tickets for one program take: memory each, and a runner from the first one on.
  struct Workshop {
    std::shared_ptr<const LatencyProgram> program;
    size_t ticket_bytes = 0;
    std::unique_ptr<LatencyRunner> runner;  ///< the worker's alone
  };
  struct Job {
    Owner owner;
    Seed seed;
    std::shared_ptr<const LatencyKeys> keys;
  };

  size_t room(const Owner& owner) const;
  /// Removes places of a shelf and, where none is left, the shelf.
  template <typename Condition>
  void remove(std::map<Owner, Shelf>::iterator shelf, const Condition& condition);
  void forget_expired();
  std::optional<Clock::time_point> next_expiry() const;
  std::optional<Job> next_job();
  std::unique_ptr<const Ticket> make(const Job& job);
  void put(const Job& job, std::unique_ptr<const Ticket> ticket);
  void work();

  const ServiceLimits limits_;
  std::vector<Workshop> workshops_;  ///< one a program

  std::mutex mutex_;  ///< for what follows; held for moments only, since the worker may not run for long
  std::condition_variable changed_;
  std::map<Owner, Shelf> shelves_;
  size_t bytes_ = 0;   ///< of all places, ready or not
  Owner last_served_;  ///< owners take turns
  bool stop_ = false;
  std::thread worker_;  // last: it uses all of the above
};

}  // namespace cryptotl
