#include "service/ticket_store.h"

#include <algorithm>
#include <set>

#include "service/idle_thread.h"

namespace cryptotl {
namespace {

Error announced_twice() {
  return Error(ErrorCode::parameter_mismatch,
               "a seed is announced twice; each stands for one message, so draw another");
}

}  // namespace

TicketStore::TicketStore(std::span<const std::shared_ptr<const LatencyProgram>> programs,
                         const ServiceLimits& limits)
    : limits_(limits) {
  for (const auto& program : programs)
    workshops_.push_back({program, Ticket::bytes_of(program->plan()), nullptr});
  worker_ = std::thread([this] { work(); });
}

TicketStore::~TicketStore() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  // Where processors are busy with other programs the ticket in the making might take long, so the worker
  // gets its turn back where the system allows that.
  step_forward(worker_.native_handle());
  worker_.join();
}

/// How many places more this owner may have.
size_t TicketStore::room(const Owner& owner) const {
  const size_t each = ticket_bytes(owner.program);
  const auto shelf = shelves_.find(owner);
  const size_t own = shelf == shelves_.end() ? 0 : shelf->second.places.size() * each;
  const size_t share = limits_.ticket_bytes / limits_.ticket_shares;
  return std::min(share - std::min(own, share), limits_.ticket_bytes - bytes_) / each;
}

template <typename Condition>
void TicketStore::remove(std::map<Owner, Shelf>::iterator shelf, const Condition& condition) {
  const size_t removed = std::erase_if(shelf->second.places, condition);
  bytes_ -= removed * ticket_bytes(shelf->first.program);
  if (shelf->second.places.empty()) shelves_.erase(shelf);
}

void TicketStore::forget_expired() {
  const auto now = Clock::now();
  for (auto shelf = shelves_.begin(); shelf != shelves_.end();)
    remove(shelf++, [&](const Place& place) { return place.until <= now; });
}

std::optional<TicketStore::Clock::time_point> TicketStore::next_expiry() const {
  std::optional<Clock::time_point> first;
  for (const auto& [owner, shelf] : shelves_) {
    // Later announcements expire later.
    if (!first || shelf.places.front().until < *first) first = shelf.places.front().until;
  }
  return first;
}

Result<size_t> TicketStore::announce(const Owner& owner, const std::shared_ptr<const LatencyKeys>& keys,
                                     std::span<const Seed> seeds) {
  const std::lock_guard lock(mutex_);
  forget_expired();
  std::set<Seed> known;
  if (const auto shelf = shelves_.find(owner); shelf != shelves_.end()) {
    for (const Place& place : shelf->second.places) known.insert(place.seed);
  }
  for (const Seed& seed : seeds) {
    if (!known.insert(seed).second) return announced_twice();
  }
  const size_t taken = std::min(room(owner), seeds.size());
  if (taken == 0) return taken;
  Shelf& shelf = shelves_[owner];
  shelf.keys = keys;
  for (const Seed& seed : seeds.first(taken))
    shelf.places.push_back({seed, Clock::now() + limits_.ticket_time, nullptr});
  bytes_ += taken * ticket_bytes(owner.program);
  changed_.notify_one();
  return taken;
}

TicketStore::Counts TicketStore::counts(const Owner& owner) {
  const std::lock_guard lock(mutex_);
  forget_expired();
  const auto shelf = shelves_.find(owner);
  if (shelf == shelves_.end()) return {};
  const auto ready = static_cast<size_t>(std::ranges::count_if(
      shelf->second.places, [](const Place& place) { return place.ticket != nullptr; }));
  return {shelf->second.places.size() - ready, ready};
}

std::unique_ptr<const Ticket> TicketStore::take(const Owner& owner, const Seed& seed) {
  const std::lock_guard lock(mutex_);
  const auto shelf = shelves_.find(owner);
  if (shelf == shelves_.end()) return nullptr;
  const auto is_its = [&](const Place& place) { return place.seed == seed; };
  const auto place = std::ranges::find_if(shelf->second.places, is_its);
  if (place == shelf->second.places.end()) return nullptr;
  std::unique_ptr<const Ticket> ticket = std::move(place->ticket);
  remove(shelf, is_its);
  return ticket;
}

/// Owners in turn; of one owner what was announced last. Clients use their seeds in the order in which they
/// announced them, so the first may be asked for while it is in the making, which would be in vain, and the
/// two meet in the middle instead.
std::optional<TicketStore::Job> TicketStore::next_job() {
  for (size_t left = shelves_.size(); left > 0; --left) {
    auto shelf = shelves_.upper_bound(last_served_);
    if (shelf == shelves_.end()) shelf = shelves_.begin();
    last_served_ = shelf->first;
    const auto waits = [](const Place& place) { return place.ticket == nullptr; };
    auto& places = shelf->second.places;
    const auto place = std::find_if(places.rbegin(), places.rend(), waits);
    if (place == places.rend()) continue;
    // To load keys here would hold a lock that answers need, too, in a thread that may not run for long.
    if (auto keys = shelf->second.keys.lock()) return Job{shelf->first, place->seed, std::move(keys)};
    remove(shelf, waits);
  }
  return std::nullopt;
}

std::unique_ptr<const Ticket> TicketStore::make(const Job& job) {
  Workshop& workshop = workshops_[job.owner.program];
  try {
    if (!workshop.runner) workshop.runner = std::make_unique<LatencyRunner>(workshop.program, 1);
    return std::make_unique<const Ticket>(workshop.runner->prepare(job.seed, *job.keys));
  } catch (const std::exception&) {
    return nullptr;  // no memory: then there is no ticket
  }
}

/// Where its place has been taken meanwhile, the ticket is dropped.
void TicketStore::put(const Job& job, std::unique_ptr<const Ticket> ticket) {
  const auto shelf = shelves_.find(job.owner);
  if (shelf == shelves_.end()) return;
  const auto is_its = [&](const Place& place) { return place.seed == job.seed; };
  if (!ticket) return remove(shelf, is_its);
  const auto place = std::ranges::find_if(shelf->second.places, is_its);
  if (place != shelf->second.places.end()) place->ticket = std::move(ticket);
}

void TicketStore::work() {
  step_back();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    forget_expired();
    if (auto job = next_job()) {
      lock.unlock();
      auto ticket = make(*job);
      job->keys.reset();  // the last to hold them, where they have left the memory: that may take a while
      lock.lock();
      put(*job, std::move(ticket));
    } else if (const auto expiry = next_expiry()) {
      changed_.wait_until(lock, *expiry);
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace cryptotl
