#include "cryptotl/transfer/tickets.h"

#include <gtest/gtest.h>

#include <set>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

class TicketsTest : public testing::Test {
 protected:
  TicketState state() { return world_.client.ticket_state(world_.keys.evaluation_keys()).value(); }
  size_t held() { return state().waiting + state().ready; }
  Tickets tickets(bool wanted = true) {
    return Tickets(world_.client, world_.keys.evaluation_keys(), wanted);
  }

  SmallWorld world_;
};

TEST_F(TicketsTest, GivesFreshSeedsWhereNoneAreAnnounced) {
  Tickets unwanted = tickets(false);
  unwanted.top_up(100);
  EXPECT_EQ(unwanted.prepare(3), 0u);
  std::set<Seed> seeds;
  for (size_t i = 0; i < 10; ++i) seeds.insert(unwanted.next().announced());
  EXPECT_EQ(seeds.size(), 10u);
  EXPECT_EQ(held(), 0u);
}

TEST_F(TicketsTest, IsSilentWhereTheServerIsGoneAndThrowsWhereItIsWaitedFor) {
  Tickets mine = tickets();
  world_.server->stop();
  EXPECT_NO_THROW(mine.top_up(100));
  EXPECT_EQ(code_of([&] { mine.prepare(3); }), ErrorCode::resource_exhausted);
  EXPECT_NO_THROW(static_cast<void>(mine.next().announced()));
}

TEST_F(TicketsTest, AnnouncesAWindowThenHalfOfOneAtATimeAndNoMoreThanThereAreInputs) {
  Tickets mine = tickets();
  mine.top_up(100);
  EXPECT_EQ(held(), Tickets::kWindow);
  for (size_t i = 0; i < Tickets::kWindow / 2 - 1; ++i) {
    static_cast<void>(mine.next());
    mine.top_up(100);
  }
  EXPECT_EQ(held(), Tickets::kWindow) << "nothing is announced before half a window is used";
  static_cast<void>(mine.next());
  mine.top_up(100);
  EXPECT_EQ(held(), Tickets::kWindow + Tickets::kWindow / 2);
  for (size_t i = 0; i < Tickets::kWindow / 2; ++i) static_cast<void>(mine.next());
  mine.top_up(Tickets::kWindow / 2 + 2);
  EXPECT_EQ(held(), Tickets::kWindow + Tickets::kWindow / 2 + 2) << "two more make the inputs that are left";
}

TEST_F(TicketsTest, GivesEachSeedOnceThoseThatWereAnnouncedFirst) {
  Tickets mine = tickets();
  ASSERT_EQ(mine.prepare(5), 5u);
  EXPECT_EQ(state().ready, 5u);
  std::set<Seed> seeds;
  for (size_t i = 0; i < 10; ++i) seeds.insert(mine.next().announced());
  EXPECT_EQ(seeds.size(), 10u);
}

TEST_F(TicketsTest, WaitsForNoMoreThanAnAnnouncementHolds) {
  Tickets mine = tickets();
  EXPECT_EQ(mine.prepare(1000), std::min(kMaxAnnouncedSeeds, (size_t{32} << 20) / state().ticket_bytes));
}

}  // namespace
}  // namespace cryptotl
