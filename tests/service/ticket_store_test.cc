#include "service/ticket_store.h"

#include <thread>

#include "service/served.h"

namespace cryptotl {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::vector<Seed> fresh(size_t count) {
  std::vector<Seed> seeds(count);
  for (Seed& seed : seeds) seed = random_seed();
  return seeds;
}

class TicketStoreTest : public Served {
 protected:
  /// Of the same model twice, as if it had two routes.
  static const std::vector<std::shared_ptr<const LatencyProgram>>& programs() {
    static const std::vector<std::shared_ptr<const LatencyProgram>> two(
        2, std::make_shared<const LatencyProgram>(fold(model().lower).value(), model().calibration,
                                                  metadata().plan));
    return two;
  }
  static const std::shared_ptr<const LatencyKeys>& keys() {
    static const std::shared_ptr<const LatencyKeys> keys = prepared_keys();
    return keys;
  }
  static std::shared_ptr<const LatencyKeys> prepared_keys() {
    const LatencyPlan& plan = metadata().plan;
    const KeySet set = read_key_set(owner().evaluation_keys, metadata().params, required_keys(plan)).value();
    return LatencyKeys::create(plan, set.evaluation, set.public_key).value();
  }
  /// Room for so many tickets.
  static ServiceLimits room_for(size_t tickets, size_t shares = 1) {
    ServiceLimits limits;
    limits.ticket_bytes = tickets * Ticket::bytes_of(metadata().plan);
    limits.ticket_shares = shares;
    return limits;
  }
  static TicketStore::Owner mine() { return {0, owner().keys()}; }
  static TicketStore::Owner anothers() { return {0, digest(as_bytes("another's"))}; }

  /// Waits until nothing waits.
  static size_t made(TicketStore& store, const TicketStore::Owner& whose) {
    for (const auto until = Clock::now() + 30s; Clock::now() < until; std::this_thread::sleep_for(1ms)) {
      if (store.counts(whose).waiting == 0) return store.counts(whose).ready;
    }
    ADD_FAILURE() << "tickets are not made";
    return 0;
  }
};

TEST_F(TicketStoreTest, RefusesASeedThatIsAnnouncedTwiceAndAllThatCameWithIt) {
  TicketStore store(programs(), {});
  std::vector<Seed> seeds = fresh(3);
  ASSERT_EQ(store.announce(mine(), keys(), seeds).value(), 3u);
  std::vector<Seed> again = fresh(2);
  again.push_back(seeds[1]);
  EXPECT_EQ(store.announce(mine(), keys(), again).error().code(), ErrorCode::parameter_mismatch);
  again = fresh(2);
  again.push_back(again[0]);
  EXPECT_EQ(store.announce(mine(), keys(), again).error().code(), ErrorCode::parameter_mismatch);
  EXPECT_EQ(made(store, mine()), 3u);
}

TEST_F(TicketStoreTest, TakesNoMoreThanFitsAndSaysHowMany) {
  TicketStore store(programs(), room_for(5));
  EXPECT_EQ(store.announce(mine(), keys(), fresh(3)).value(), 3u);
  const std::vector<Seed> more = fresh(4);
  EXPECT_EQ(store.announce(mine(), keys(), more).value(), 2u);
  EXPECT_EQ(store.announce(mine(), keys(), fresh(1)).value(), 0u);
  EXPECT_EQ(made(store, mine()), 5u);
  EXPECT_NE(store.take(mine(), more[1]), nullptr);
  EXPECT_EQ(store.take(mine(), more[2]), nullptr) << "the first were taken";
  EXPECT_EQ(store.announce(mine(), keys(), fresh(4)).value(), 1u);
}

TEST_F(TicketStoreTest, GivesOneKeySetNoMoreThanItsShare) {
  TicketStore store(programs(), room_for(6, 3));
  EXPECT_EQ(store.announce(mine(), keys(), fresh(5)).value(), 2u);
  EXPECT_EQ(store.announce(anothers(), keys(), fresh(5)).value(), 2u);
  EXPECT_EQ(store.announce({1, owner().keys()}, keys(), fresh(1)).value(), 1u);
  EXPECT_EQ(store.announce(mine(), keys(), fresh(5)).value(), 0u);
  TicketStore none(programs(), room_for(0));
  EXPECT_EQ(none.announce(mine(), keys(), fresh(5)).value(), 0u);
}

TEST_F(TicketStoreTest, ForgetsWhatIsNotUsedInTimeAndHasItsRoomAgain) {
  ServiceLimits limits = room_for(2);
  // On a busy machine it takes a while until idle work is done.
  for (limits.ticket_time = 300ms; limits.ticket_time < 60s; limits.ticket_time *= 4) {
    TicketStore store(programs(), limits);
    const std::vector<Seed> seeds = fresh(2);
    ASSERT_EQ(store.announce(mine(), keys(), seeds).value(), 2u);
    if (made(store, mine()) < 2) continue;
    std::this_thread::sleep_for(limits.ticket_time + 100ms);
    EXPECT_EQ(store.counts(mine()).ready, 0u);
    EXPECT_EQ(store.take(mine(), seeds[0]), nullptr);
    EXPECT_EQ(store.announce(mine(), keys(), fresh(2)).value(), 2u);
    return;
  }
  FAIL() << "tickets are not made";
}

TEST_F(TicketStoreTest, DropsSeedsWhoseKeysHaveLeftTheMemory) {
  TicketStore store(programs(), {});
  auto passing = prepared_keys();
  // The worker holds them for the one that it may have begun.
  ASSERT_EQ(store.announce(mine(), passing, fresh(40)).value(), 40u);
  passing.reset();
  EXPECT_LT(made(store, mine()), 40u);
  EXPECT_EQ(store.announce(mine(), keys(), fresh(2)).value(), 2u);
  EXPECT_GE(made(store, mine()), 2u);
}

TEST_F(TicketStoreTest, GivesATicketOnceAndToItsOwnerAlone) {
  TicketStore store(programs(), {});
  const std::vector<Seed> seeds = fresh(2);
  ASSERT_EQ(store.announce(mine(), keys(), seeds).value(), 2u);
  ASSERT_EQ(made(store, mine()), 2u);
  EXPECT_EQ(store.take(anothers(), seeds[0]), nullptr);
  EXPECT_EQ(store.take({1, owner().keys()}, seeds[0]), nullptr);
  EXPECT_EQ(store.take(mine(), fresh(1)[0]), nullptr);
  const auto ticket = store.take(mine(), seeds[0]);
  ASSERT_NE(ticket, nullptr);
  EXPECT_EQ(ticket->seed(), seeds[0]);
  EXPECT_EQ(ticket->key_id(), keys()->key_id());
  EXPECT_EQ(ticket->bytes(), store.ticket_bytes(0));
  EXPECT_EQ(store.take(mine(), seeds[0]), nullptr);
  EXPECT_EQ(store.counts(mine()).ready, 1u);
}

TEST_F(TicketStoreTest, ForgetsASeedThatIsUsedBeforeItsTurn) {
  TicketStore store(programs(), {});
  for (size_t round = 0; round < 20; ++round) {
    const std::vector<Seed> seeds = fresh(3);
    ASSERT_EQ(store.announce(mine(), keys(), seeds).value(), 3u);
    for (const Seed& seed : seeds) static_cast<void>(store.take(mine(), seed));
    const auto [waiting, ready] = store.counts(mine());
    EXPECT_EQ(waiting + ready, 0u);
  }
}

TEST_F(TicketStoreTest, EndsAtAnyMoment) {
  for (size_t round = 0; round < 30; ++round) {
    TicketStore store(programs(), {});
    store.announce(mine(), keys(), fresh(round % 5)).value();
    std::this_thread::sleep_for(round * 100us);
  }
}

TEST_F(TicketStoreTest, ServesManyOwnersAtOnce) {
  ServiceLimits limits = room_for(16, 2);
  limits.ticket_time = 50ms;
  TicketStore store(programs(), limits);
  std::vector<std::thread> clients;
  for (size_t c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      const TicketStore::Owner whose{c % 2, digest(Bytes(1, static_cast<uint8_t>(c)))};
      for (size_t round = 0; round < 40; ++round) {
        const std::vector<Seed> seeds = fresh(5);
        const size_t taken = store.announce(whose, keys(), seeds).value();
        std::this_thread::sleep_for(1ms);
        for (size_t i = 0; i < taken; ++i) {
          const auto ticket = store.take(whose, seeds[i]);
          if (ticket == nullptr) continue;
          EXPECT_EQ(ticket->seed(), seeds[i]);
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace cryptotl
