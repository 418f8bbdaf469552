#include <fstream>
#include <thread>

#include "cryptotl/base/file.h"
#include "service/served.h"

namespace cryptotl {
namespace {

using namespace std::chrono_literals;

/// Clients that break off, dribble, flood or talk nonsense, and disks that do not keep what they were given.
class FaultsTest : public Served {
 protected:
  /// Times short enough to be waited for.
  ServerOptions impatient() const {
    ServerOptions options = this->options();
    options.limits.head_time = 300ms;
    options.limits.idle_time = 300ms;
    options.limits.keep_alive_time = 300ms;
    options.limits.body_grace = 600ms;
    options.limits.linger_time = 300ms;
    return options;
  }
  void expect_alive() {
    const auto answer = send_once(*server_, request_text("GET", "/v2/health/live"));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200);
  }
  std::string upload_head(size_t length) const {
    return "PUT " + key_path() + " HTTP/1.1\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  /// What is in the key store's folder, hidden files included; ledgers of seeds outlive their keys.
  /// Keys, whole or not: all but ledgers and the server's plan.
  size_t stored_files() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options().key_store)) {
      const auto kind = entry.path().extension();
      count += kind == ".seeds" || kind == ".json" ? 0 : 1;
    }
    return count;
  }
};

TEST_F(FaultsTest, RefusesBothContentLengthAndTransferEncodingAndClosesTheConnection) {
  start();
  RawClient client(*server_);
  client.send(
      "POST /v2/models/small/infer HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n"
      "GET /v2/health/live HTTP/1.1\r\n\r\n");
  expect_error(client.receive(), ErrorCode::malformed);
  EXPECT_FALSE(client.receive(1s).has_value()) << "what follows is not taken for a request";
}

TEST_F(FaultsTest, RefusesGarbage) {
  start();
  std::mt19937_64 generator(5);
  for (size_t i = 0; i < 200; ++i) {
    std::string garbage(1 + generator() % 3000, '\0');
    for (char& c : garbage) c = static_cast<char>(generator());
    RawClient client(*server_);
    client.send(garbage);
    client.finish_sending();
    const auto answer = client.receive();
    if (answer) {
      EXPECT_EQ(answer->status, 400);
    }
  }
  RawClient tls(*server_);
  tls.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15));
  expect_error(tls.receive(), ErrorCode::malformed);
  expect_alive();
}

TEST_F(FaultsTest, RefusesAHeadThatIsTooLongWithoutWaitingForItsEnd) {
  start();
  RawClient client(*server_);
  std::string head = "GET / HTTP/1.1\r\n";
  while (head.size() < ServiceLimits().head_bytes + 100) head += "a: " + std::string(60, 'b') + "\r\n";
  client.send(head);
  expect_error(client.receive(), ErrorCode::malformed);
}

TEST_F(FaultsTest, RefusesAnOversizedBodyWithoutReadingIt) {
  start();
  RawClient client(*server_);
  client.send(upload_head(size_t{1} << 50));
  expect_error(client.receive(2s), ErrorCode::too_large);
}

TEST_F(FaultsTest, AnswersARefusedUploadAlthoughTheClientSendsAllOfItFirst) {
  start();
  Bytes longer = owner().evaluation_keys;
  longer.push_back(0);
  expect_error(send_once(*server_, request_text("PUT", key_path(), as_text(longer))), ErrorCode::too_large);
}

TEST_F(FaultsTest, AnswersAClientThatWaitsForContinue) {
  start();
  const Bytes& keys = owner().evaluation_keys;
  RawClient client(*server_);
  client.send("PUT " + key_path() + " HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(keys.size()) + "\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  client.send(as_text(keys));
  EXPECT_EQ(client.receive()->status, 201);
}

TEST_F(FaultsTest, GivesUpADribbledHead) {
  start(impatient());
  RawClient client(*server_);
  const auto begin = Clock::now();
  std::optional<RawAnswer> answer;
  for (const char c : std::string("GET /v2/health/live HTTP/1.1\r\nHost: here\r\nA: b\r\nC: d\r\n")) {
    client.send(std::string(1, c));
    if ((answer = client.receive(20ms))) break;
  }
  expect_error(answer, ErrorCode::malformed, "dribbling");
  EXPECT_LT(Clock::now() - begin, 2s);
  EXPECT_TRUE(client.closed(2s));
}

TEST_F(FaultsTest, GivesUpABodyThatStopsOrDribbles) {
  static_cast<void>(owner());  // making keys takes longer than the server waits for a head
  start(impatient());
  RawClient stopped(*server_);
  stopped.send(upload_head(owner().evaluation_keys.size()) + "abc");
  expect_error(stopped.receive(3s), ErrorCode::malformed, "stopped");

  RawClient dribbling(*server_);
  dribbling.send(upload_head(owner().evaluation_keys.size()));
  const auto begin = Clock::now();
  std::optional<RawAnswer> answer;
  while (!answer && Clock::now() - begin < 5s) {
    dribbling.send("x");
    answer = dribbling.receive(50ms);
  }
  expect_error(answer, ErrorCode::malformed, "dribbling");
  EXPECT_LT(Clock::now() - begin, 3s);
  EXPECT_EQ(stored_files(), 0u);
}

TEST_F(FaultsTest, ClosesAConnectionThatIsSilent) {
  start(impatient());
  RawClient client(*server_);
  EXPECT_TRUE(client.closed(3s));
}

TEST_F(FaultsTest, ServesOthersWhileManyDribble) {
  ServerOptions options = impatient();
  options.limits.connections = 8;
  start(options);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (size_t i = 0; i < 7; ++i) {
    slow.push_back(std::make_unique<RawClient>(*server_));
    slow.back()->send("GET /");
  }
  expect_alive();
}

TEST_F(FaultsTest, RefusesAFloodOfConnectionsAndServesAgainAfterIt) {
  ServerOptions options = this->options();
  options.limits.connections = 4;
  start(options);
  std::vector<std::unique_ptr<RawClient>> open;
  for (size_t i = 0; i < 4; ++i) {
    open.push_back(std::make_unique<RawClient>(*server_));
    open.back()->send(request_text("GET", "/v2/health/live"));
    ASSERT_EQ(open.back()->receive()->status, 200);
  }
  for (size_t i = 0; i < 100; ++i) {
    RawClient refused(*server_);
    const auto answer = refused.receive(3s);
    expect_error(answer, ErrorCode::resource_exhausted);
    EXPECT_EQ(answer->headers.at("retry-after"), "1");
  }
  open[0]->send(request_text("GET", "/v2/health/live"));
  EXPECT_EQ(open[0]->receive()->status, 200) << "those who were there are served on";
  open.clear();
  for (size_t i = 0; i < 100; ++i) {
    const auto answer = send_once(*server_, request_text("GET", "/v2/health/live"));
    if (answer && answer->status == 200) return;
    std::this_thread::sleep_for(10ms);
  }
  FAIL() << "no connection is let in after the flood";
}

TEST_F(FaultsTest, SurvivesClientsThatLeaveInTheMiddleOfAnUpload) {
  start();
  const Bytes& keys = owner().evaluation_keys;
  for (size_t i = 0; i < 20; ++i) {
    RawClient client(*server_);
    client.send(upload_head(keys.size()));
    client.send(as_text(ByteView(keys).first(keys.size() * i / 20)));
  }
  expect_alive();
  for (size_t i = 0; i < 200 && stored_files() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(stored_files(), 0u);
  EXPECT_TRUE(client().upload_keys(keys).ok());
}

TEST_F(FaultsTest, RefusesATruncatedRequestWhoseSenderStillListens) {
  start();
  const std::string whole = inference_text("small", inference_json(), owner().encrypted(rows().row(0)));
  for (const size_t left :
       {size_t{1}, size_t{1000}, metadata().request_bytes(), metadata().request_bytes() + 50}) {
    RawClient client(*server_);
    client.send(std::string_view(whole).substr(0, whole.size() - left));
    client.finish_sending();
    expect_error(client.receive(), ErrorCode::malformed);
  }
}

TEST_F(FaultsTest, KeepsKeysOverARestart) {
  start();
  ASSERT_TRUE(client().upload_keys(owner().evaluation_keys).ok());
  server_.reset();
  start();
  ServiceClient again = client();
  EXPECT_TRUE(again.has_keys(owner().keys()).value());
  expect_right(again.infer(owner().encrypted(rows().row(0)), owner().keys()).value().ciphertext,
               rows().row(0));
}

TEST_F(FaultsTest, RefusesAndRemovesStoredKeysThatAreDamagedAndTakesThemAgain) {
  start();
  ASSERT_TRUE(client().upload_keys(owner().evaluation_keys).ok());
  const Bytes& good = owner().evaluation_keys;
  for (const size_t damage : {size_t{0}, size_t{50}, kHeaderBytes + 3, good.size() / 2, good.size() - 1}) {
    server_.reset();
    Bytes bad = good;
    bad[damage] ^= 0x40;
    std::ofstream(key_file(), std::ios::binary | std::ios::trunc) << as_text(bad);
    start();
    ServiceClient again = client();
    const auto answer = again.infer(owner().encrypted(rows().row(0)), owner().keys());
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::missing_key) << answer.error().what();
    EXPECT_EQ(stored_files(), 0u);
    ASSERT_TRUE(again.upload_keys(good).ok());
    EXPECT_TRUE(again.infer(owner().encrypted(rows().row(0)), owner().keys()).ok());
  }
}

TEST_F(FaultsTest, TakesAHalfWrittenKeyFileForNone) {
  start();
  std::ofstream(key_file(), std::ios::binary) << as_text(ByteView(owner().evaluation_keys).first(1000));
  ServiceClient connection = client();
  EXPECT_FALSE(connection.has_keys(owner().keys()).value());
  EXPECT_TRUE(connection.upload_keys(owner().evaluation_keys).ok());
  EXPECT_TRUE(connection.infer(owner().encrypted(rows().row(0)), owner().keys()).ok());
}

TEST_F(FaultsTest, RefusesAKeyStoreThatIsNoFolder) {
  std::ofstream(folder_.path() / "file") << "x";
  ServerOptions bad = options();
  bad.key_store = folder_.path() / "file";
  const auto started = Server::start(model(), bad);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().what(), testing::HasSubstr("key store"));
}

}  // namespace
}  // namespace cryptotl
