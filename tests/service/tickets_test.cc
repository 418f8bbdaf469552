#include <nlohmann/json.hpp>
#include <thread>

#include "cryptotl/base/file.h"
#include "cryptotl/execute/latency.h"
#include "service/served.h"
#include "service/ticket_message.h"

namespace cryptotl {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

/// Announcements, prepared answers and seeds that come twice, through the real service.
class TicketsTest : public Served {
 protected:
  std::string path(const std::string& keys) const { return "/v2/models/small/tickets/" + keys; }
  std::string path() const { return path(hex(owner().keys())); }
  std::optional<RawAnswer> announce(std::span<const Seed> seeds) {
    return send_once(*server_, request_text("POST", path(), as_text(write_seeds(seeds))));
  }
  std::optional<RawAnswer> infer(ByteView ciphertext) {
    return send_once(*server_, inference_text("small", inference_json(ciphertext.size()), ciphertext));
  }
  void start_with_keys(const ServerOptions& options) {
    start(options);
    ASSERT_TRUE(client().upload_keys(owner().evaluation_keys).ok());
  }
  void start_with_keys() { start_with_keys(options()); }
  /// Announces the seeds and waits until all are ready.
  void prepare(ServiceClient& client, std::span<const Seed> seeds) {
    ASSERT_EQ(client.announce(seeds, owner().keys()).value().accepted, seeds.size());
    wait(client);
  }
  static void wait(ServiceClient& client) {
    for (const auto until = Clock::now() + 30s; Clock::now() < until; std::this_thread::sleep_for(1ms)) {
      if (client.ticket_state(owner().keys()).value().waiting == 0) return;
    }
    FAIL() << "tickets are not made";
  }
  static std::vector<Seed> announced(const std::vector<OneTimeSeed>& seeds) {
    std::vector<Seed> out;
    for (const OneTimeSeed& seed : seeds) out.push_back(seed.announced());
    return out;
  }
  static Bytes other_message_under_its_seed(ByteView ciphertext) {
    Ciphertext other = read_ciphertext(ciphertext, metadata().params).value();
    other.parts[0].limb(0)[0] ^= 1;
    return write_ciphertext(other);
  }
};

TEST_F(TicketsTest, RefusesAnnouncementsThatAreNotRightWithTheReason) {
  start();
  const std::vector<Seed> two = {random_seed(), random_seed()};
  expect_error(announce(two), ErrorCode::missing_key);
  ASSERT_TRUE(client().upload_keys(owner().evaluation_keys).ok());
  const auto body = [&](size_t bytes) {
    return send_once(*server_, request_text("POST", path(), std::string(bytes, 's')));
  };
  for (const size_t bytes : {0, 31, 33, 63}) expect_error(body(bytes), ErrorCode::malformed);
  expect_error(body(65 * 32), ErrorCode::too_large);
  EXPECT_THAT(body(31)->body, testing::HasSubstr("1 to 64 seeds of 32 bytes are right"));
  const auto under = [&](const std::string& keys) {
    return send_once(*server_, request_text("POST", path(keys), as_text(write_seeds(two))));
  };
  expect_error(under("short"), ErrorCode::malformed);
  expect_error(under(std::string(64, 'A')), ErrorCode::malformed);
  expect_error(under(std::string(64, 'a')), ErrorCode::missing_key);
  expect_error(send_once(*server_, request_text("GET", path(std::string(64, 'a')))), ErrorCode::missing_key);
  expect_error(send_once(*server_, request_text("POST", "/v2/models/other/tickets/" + hex(owner().keys()),
                                                as_text(write_seeds(two)))),
               ErrorCode::not_found);
  const std::vector<Seed> twice = {two[0], two[0]};
  expect_error(announce(twice), ErrorCode::parameter_mismatch);
  ASSERT_EQ(announce(two)->status, 200);
  expect_error(announce(two), ErrorCode::parameter_mismatch);
}

TEST_F(TicketsTest, RefusesToWorkAheadForASeedThatHasEncryptedAMessage) {
  start_with_keys();
  const Bytes input = owner().encrypted(rows().row(0));
  ASSERT_EQ(infer(input)->status, 200);
  const std::vector<Seed> seeds = {random_seed(), *seed_of_ciphertext(input).value()};
  expect_error(announce(seeds), ErrorCode::parameter_mismatch);
  EXPECT_EQ(client().ticket_state(owner().keys()).value().waiting, 0u) << "none of them is taken";
}

TEST_F(TicketsTest, RefusesASecondMessageUnderASeedAfterARestartToo) {
  start_with_keys();
  const Bytes input = owner().encrypted(rows().row(0));
  const Bytes other = other_message_under_its_seed(input);
  EXPECT_EQ(infer(input)->status, 200);
  EXPECT_EQ(infer(input)->status, 200) << "the same bytes again are a retry";
  const auto refused = infer(other);
  expect_error(refused, ErrorCode::parameter_mismatch);
  EXPECT_THAT(refused->body, testing::HasSubstr("two under one seed tell the server their difference"));
  EXPECT_THAT(refused->body, testing::HasSubstr("make new keys"));
  server_.reset();
  start();
  expect_error(infer(other), ErrorCode::parameter_mismatch);
  EXPECT_EQ(infer(input)->status, 200);
}

TEST_F(TicketsTest, RefusesASecondMessageWhereOneOfThemHadATicket) {
  start_with_keys();
  ServiceClient connected = client();
  for (const bool prepared_first : {false, true}) {
    OneTimeSeed seed;
    const std::vector<Seed> seeds = {seed.announced()};
    prepare(connected, seeds);
    const Bytes input = owner().encrypted(rows().row(0), std::move(seed));
    const Bytes other = other_message_under_its_seed(input);
    const Bytes& first = prepared_first ? input : other;
    EXPECT_TRUE(connected.infer(first, owner().keys()).value().prepared);
    const auto second = connected.infer(prepared_first ? other : input, owner().keys());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code(), ErrorCode::parameter_mismatch);
    EXPECT_FALSE(connected.infer(first, owner().keys()).value().prepared) << "a retry is answered without";
  }
}

TEST_F(TicketsTest, RefusesKeysWhoseLedgerIsFullOrDamaged) {
  ServerOptions tight = options();
  tight.limits.seeds_a_key_set = 2;
  start_with_keys(tight);
  const Bytes first = owner().encrypted(rows().row(0));
  EXPECT_EQ(infer(first)->status, 200);
  EXPECT_EQ(infer(owner().encrypted(rows().row(0)))->status, 200);
  const auto full = infer(owner().encrypted(rows().row(0)));
  expect_error(full, ErrorCode::parameter_mismatch);
  EXPECT_THAT(full->body, testing::HasSubstr("make new keys"));
  EXPECT_EQ(infer(first)->status, 200);
  EXPECT_EQ(infer(owner().encrypted_public(rows().row(0)))->status, 200) << "this one has no seed";
  server_.reset();
  std::filesystem::path ledger = key_file();
  ledger.replace_extension(".seeds");
  std::filesystem::resize_file(ledger, 10);
  start();
  EXPECT_EQ(infer(first)->status, 200) << "a header that was not finished is none";
  server_.reset();
  write_file(ledger, as_bytes("something else")).value();
  start();
  const auto damaged = infer(first);
  expect_error(damaged, ErrorCode::parameter_mismatch);
  EXPECT_THAT(damaged->body, testing::HasSubstr("ledger"));
}

TEST_F(TicketsTest, HasNoSuchRouteWhereTicketsAreOff) {
  ServerOptions off = options();
  off.limits.ticket_bytes = 0;
  start_with_keys(off);
  const std::vector<Seed> seeds = {random_seed()};
  expect_error(announce(seeds), ErrorCode::not_found);
  expect_error(send_once(*server_, request_text("GET", path())), ErrorCode::not_found);
  ServiceClient connected = client();
  EXPECT_FALSE(connected.offers_tickets());
  EXPECT_EQ(connected.announce(seeds, owner().keys()).error().code(), ErrorCode::not_found);
  const Bytes input = owner().encrypted(rows().row(0));
  EXPECT_FALSE(connected.infer(input, owner().keys()).value().prepared);
  expect_error(infer(other_message_under_its_seed(input)), ErrorCode::parameter_mismatch);
}

TEST_F(TicketsTest, TellsHowManyItTookAndHowFarItIs) {
  ServerOptions tight = options();
  tight.limits.ticket_bytes = 10 * Ticket::bytes_of(metadata().plan);
  start_with_keys(tight);
  EXPECT_THAT(Json::parse(send_once(*server_, request_text("GET", "/v2"))->body)["extensions"],
              testing::Contains("cryptotl_tickets"));
  std::vector<Seed> seeds(8);
  for (Seed& seed : seeds) seed = random_seed();
  const Json taken = Json::parse(announce(seeds)->body);
  EXPECT_EQ(taken["accepted"], 5) << "half of the room is one key set's";
  EXPECT_EQ(taken["waiting"].get<size_t>() + taken["ready"].get<size_t>(), 5u);
  EXPECT_EQ(taken["ticket_bytes"], Ticket::bytes_of(metadata().plan));
  ServiceClient connected = client();
  ASSERT_TRUE(connected.offers_tickets());
  wait(connected);
  const Json state = Json::parse(send_once(*server_, request_text("GET", path()))->body);
  EXPECT_EQ(state, Json({{"waiting", 0}, {"ready", 5}, {"ticket_bytes", Ticket::bytes_of(metadata().plan)}}));
}

TEST_F(TicketsTest, GivesTheSameBytesWithATicketAsWithout) {
  start_with_keys();
  ServiceClient connected = client();
  std::vector<OneTimeSeed> seeds(4);
  prepare(connected, announced(seeds));
  for (size_t i = 0; i < seeds.size(); ++i) {
    const Bytes input = owner().encrypted(rows().row(i), std::move(seeds[i]));
    const InferenceAnswer prepared = connected.infer(input, owner().keys()).value();
    const InferenceAnswer cold = connected.infer(input, owner().keys()).value();
    EXPECT_TRUE(prepared.prepared);
    EXPECT_FALSE(cold.prepared);
    EXPECT_EQ(prepared.ciphertext, cold.ciphertext);
    expect_right(prepared.ciphertext, rows().row(i));
  }
  EXPECT_EQ(connected.ticket_state(owner().keys()).value().ready, 0u);
}

TEST_F(TicketsTest, AnswersWithoutATicketThatIsNotReadyAndForgetsIt) {
  start_with_keys();
  ServiceClient connected = client();
  std::vector<OneTimeSeed> seeds(10);
  ASSERT_EQ(connected.announce(announced(seeds), owner().keys()).value().accepted, 10u);
  for (OneTimeSeed& seed : seeds) {
    const Bytes input = owner().encrypted(rows().row(1), std::move(seed));
    expect_right(connected.infer(input, owner().keys()).value().ciphertext, rows().row(1));
  }
  const TicketState state = connected.ticket_state(owner().keys()).value();
  EXPECT_EQ(state.waiting + state.ready, 0u);
}

TEST_F(TicketsTest, KeepsATicketWhoseKeysLeaveTheMemory) {
  ServerOptions tight = options();
  tight.limits.key_cache_bytes = 1;
  start_with_keys(tight);
  const Owner second(metadata());
  ServiceClient connected = client();
  ASSERT_TRUE(connected.upload_keys(second.evaluation_keys).ok());
  std::vector<OneTimeSeed> seeds(3);
  prepare(connected, announced(seeds));
  EXPECT_TRUE(connected.infer(second.encrypted(rows().row(0)), second.keys()).ok());
  const Bytes input = owner().encrypted(rows().row(0), std::move(seeds[0]));
  const auto answer = connected.infer(input, owner().keys());
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->prepared);
  expect_right(answer->ciphertext, rows().row(0));
}

TEST_F(TicketsTest, KeepsATicketForARequestThatFoundTheServerBusy) {
  ServerOptions narrow = options();
  narrow.limits.waiting_requests = 0;
  start_with_keys(narrow);
  ServiceClient connected = client();
  std::vector<OneTimeSeed> seeds(3);
  prepare(connected, announced(seeds));
  std::atomic<size_t> prepared = 0;
  std::vector<std::thread> clients;
  for (OneTimeSeed& seed : seeds) {
    clients.emplace_back([&, input = owner().encrypted(rows().row(0), std::move(seed))] {
      ServiceClient one = client(with_times(5s, 60s, 100));
      prepared += one.infer(input, owner().keys()).value().prepared ? 1 : 0;
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_EQ(prepared, seeds.size());
}

TEST_F(TicketsTest, ServesClientsThatAnnounceAndAskAtOnce) {
  ServerOptions wide = options();
  wide.concurrency = 2;
  wide.limits.ticket_bytes = 12 * Ticket::bytes_of(metadata().plan);
  wide.limits.ticket_time = 500ms;
  start_with_keys(wide);
  const Owner second(metadata());
  const Owner* const owners[] = {&owner(), &second};
  ASSERT_TRUE(client().upload_keys(second.evaluation_keys).ok());
  std::vector<std::thread> clients;
  for (size_t c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      const Owner& mine = *owners[c % 2];
      ServiceClient connection = client();
      for (size_t round = 0; round < 3; ++round) {
        std::vector<OneTimeSeed> seeds(5);
        EXPECT_TRUE(connection.announce(announced(seeds), mine.keys()).ok());
        for (size_t i = 0; i < seeds.size(); ++i) {
          const auto row = rows().row((c + i) % rows().rows);
          const auto answer = connection.infer(mine.encrypted(row, std::move(seeds[i])), mine.keys()).value();
          const auto expected = forward(model().lower, row);
          const auto decrypted = mine.decrypted(answer.ciphertext);
          for (size_t k = 0; k < expected.size(); ++k)
            EXPECT_NEAR(decrypted[k], expected[k], metadata().plan.predicted_error);
        }
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
}

TEST_F(TicketsTest, StopsWhileItWorksAhead) {
  for (size_t round = 0; round < 5; ++round) {
    start();
    ServiceClient connected = client();
    ASSERT_TRUE(connected.upload_keys(owner().evaluation_keys).ok());
    ASSERT_TRUE(connected.announce(announced(std::vector<OneTimeSeed>(40)), owner().keys()).ok());
    std::this_thread::sleep_for(round * 2ms);
    server_.reset();
  }
}

}  // namespace
}  // namespace cryptotl
