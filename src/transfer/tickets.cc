#include "cryptotl/transfer/tickets.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "cryptotl/service/limits.h"

namespace cryptotl {

Tickets::Tickets(ServiceClient& client, const Digest& keys, bool wanted)
    : client_(client), keys_(keys), use_(wanted && client.offers_tickets()) {}

/// Keeps those that the server took; the others are never used.
Result<TicketState> Tickets::announce(size_t count) {
  std::vector<OneTimeSeed> seeds(count);
  std::vector<Seed> names;
  for (const OneTimeSeed& seed : seeds) names.push_back(seed.announced());
  used_since_ = 0;
  auto state = client_.announce(names, keys_);
  if (!state.ok()) return state;
  for (size_t i = 0; i < state->accepted; ++i) announced_.push_back(std::move(seeds[i]));
  return state;
}

void Tickets::top_up(size_t inputs) {
  const size_t wanted = std::min(inputs, kWindow);
  if (!use_ || announced_.size() >= wanted || used_since_ < kWindow / 2) return;
  static_cast<void>(announce(wanted - announced_.size()));
}

size_t Tickets::prepare(size_t inputs) {
  if (!use_) return 0;
  const size_t wanted = std::min(inputs, kMaxAnnouncedSeeds);
  if (announced_.size() < wanted) announce(wanted - announced_.size()).value();
  while (client_.ticket_state(keys_).value().waiting > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return std::min(announced_.size(), inputs);
}

OneTimeSeed Tickets::next() {
  ++used_since_;
  if (announced_.empty()) return {};
  OneTimeSeed seed = std::move(announced_.front());
  announced_.pop_front();
  return seed;
}

}  // namespace cryptotl
