#include "cryptotl/service/client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "service/served.h"

namespace cryptotl {
namespace {

using namespace std::chrono_literals;

/// A server that speaks whatever `script` says on each connection: the script gets the socket and closes it
/// by returning.
class ScriptedServer {
 public:
  using Script = std::function<void(int socket, size_t connection)>;

  explicit ScriptedServer(Script script) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.number(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listener_.number(), 16), 0);
    name_of(listener_.number(), End::local, host_, port_);
    thread_ = std::thread([this, run = std::move(script)] {
      for (size_t count = 0;; ++count) {
        const Descriptor accepted(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
        if (accepted.number() < 0) return;
        run(accepted.number(), count);
      }
    });
  }
  ~ScriptedServer() {
    ::shutdown(listener_.number(), SHUT_RDWR);
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  Descriptor listener_;
  std::string host_;
  int port_ = 0;
  std::thread thread_;
};

/// One request, body included; empty where the client closes.
std::string read_request(int socket) {
  std::string text;
  size_t wanted = std::string::npos;
  while (text.size() < wanted) {
    char buffer[65536];
    const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
    if (count <= 0) return "";
    text.append(buffer, static_cast<size_t>(count));
    const size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos || wanted != std::string::npos) continue;
    const size_t length = text.find("Content-Length: ");
    wanted = end + 4 + (length < end ? std::stoul(text.substr(length + 16)) : 0);
  }
  return text;
}

void say(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

std::string json_answer(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

/// Takes every connection of a real server through a relay that `meddle` may break.
class Relay {
 public:
  /// Told the direction, the connection's number and the bytes so far; false breaks both ends.
  using Meddle = std::function<bool(bool to_server, size_t connection, const std::string& bytes)>;

  Relay(const Server& server, Meddle meddle)
      : port_(static_cast<uint16_t>(std::stoi(server.url().substr(server.url().rfind(':') + 1)))),
        meddle_(std::move(meddle)),
        front_([this](int socket, size_t connection) { pass(socket, connection); }) {}
  std::string url() const { return front_.url(); }

 private:
  void pass(int client, size_t connection) {
    const Descriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port_);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(server.number(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return;
    std::string upward;
    std::string downward;
    while (true) {
      if (!step(client, server.number(), true, connection, upward)) return;
      if (!step(server.number(), client, false, connection, downward)) return;
    }
  }

  bool step(int from, int to, bool to_server, size_t connection, std::string& seen) {
    if (wait_for(from, Direction::read, Clock::now() + 1ms, nullptr) != Readiness::ready) return true;
    char buffer[16384];
    const ssize_t count = ::recv(from, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    seen.append(buffer, static_cast<size_t>(count));
    if (!meddle_(to_server, connection, seen)) return false;
    say(to, {buffer, static_cast<size_t>(count)});
    return true;
  }

  uint16_t port_;
  Meddle meddle_;
  ScriptedServer front_;
};

class ClientTest : public Served {
 protected:
  static ClientOptions impatient(size_t attempts = 1) { return with_times(500ms, 700ms, attempts); }

  static void expect_refused(const ScriptedServer& server, ErrorCode code, size_t attempts = 1) {
    const auto begin = Clock::now();
    const auto connected = ServiceClient::connect(server.url(), impatient(attempts));
    ASSERT_FALSE(connected.ok());
    EXPECT_EQ(connected.error().code(), code) << connected.error().what();
    EXPECT_THAT(connected.error().what(), testing::HasSubstr(server.url()));
    EXPECT_THAT(connected.error().what(), testing::Not(testing::HasSubstr("\n")));
    EXPECT_LT(Clock::now() - begin, 5s);
  }
};

TEST_F(ClientTest, RefusesUrlsThatAreNoneOrReachBeyondLoopback) {
  for (const char* const url : {"", "127.0.0.1:80", "https://127.0.0.1:80", "http://", "http://127.0.0.1",
                                "ftp://a:1", "http://127.0.0.1:80/path", "http://user@127.0.0.1:80"}) {
    const auto connected = ServiceClient::connect(url);
    ASSERT_FALSE(connected.ok()) << url;
    EXPECT_EQ(connected.error().code(), ErrorCode::invalid_argument) << url;
  }
  for (const char* const url : {"http://example.org:80", "http://10.0.0.1:80", "http://[2001:db8::1]:80"}) {
    const auto connected = ServiceClient::connect(url);
    ASSERT_FALSE(connected.ok()) << url;
    EXPECT_EQ(connected.error().code(), ErrorCode::insecure_parameters) << url;
  }
}

TEST_F(ClientTest, SaysThatNoServerIsThere) {
  start();
  const std::string url = server_->url();
  server_.reset();
  const auto connected = ServiceClient::connect(url, impatient());
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.error().code(), ErrorCode::resource_exhausted);
  EXPECT_THAT(connected.error().what(),
              testing::AllOf(testing::HasSubstr(url), testing::HasSubstr("is it running?")));
}

TEST_F(ClientTest, SaysThatTheOtherSideIsNoCryptoTlServer) {
  const std::string kAnswers[] = {
      "SSH-2.0-OpenSSH_9.2\r\n",
      "HTTP/1.1 what\r\n\r\n",
      json_answer("hello"),
      json_answer("{}"),
      json_answer("[]"),
      json_answer(R"({"name": "triton", "models": ["m"]})"),
      json_answer(R"({"name": "cryptotl"})"),
      json_answer(R"({"name": "cryptotl", "models": ["../m"]})"),
      json_answer(R"({"name": "cryptotl", "models": ["m"]})"),  // and the same again as the model's metadata
      json_answer("not here", "404 Not Found"),
      json_answer("<html>", "301 Moved Permanently"),
      json_answer(std::string(100'000, '[')),
  };
  for (const std::string& answer : kAnswers) {
    SCOPED_TRACE(answer.substr(0, 100));
    const ScriptedServer server([&](int socket, size_t) {
      while (!read_request(socket).empty()) {
        say(socket, answer);
        if (!answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length") || answer.ends_with("\r\n\r\n")) return;
      }
    });
    expect_refused(server, ErrorCode::malformed);
  }
}

TEST_F(ClientTest, GivesUpAServerThatIsSilentDribblesOrNeverEnds) {
  const ScriptedServer silent([](int, size_t) { std::this_thread::sleep_for(1s); });
  expect_refused(silent, ErrorCode::resource_exhausted);
  const ScriptedServer dribbling([](int socket, size_t) {
    for (size_t i = 0; i < 60; ++i) {
      say(socket, "H");
      std::this_thread::sleep_for(20ms);
    }
  });
  expect_refused(dribbling, ErrorCode::resource_exhausted);
  const ScriptedServer endless([](int socket, size_t) {
    say(socket, "HTTP/1.1 200 OK\r\n");
    const std::string line = "A: " + std::string(60'000, 'b') + "\r\n";
    const auto until = Clock::now() + 1s;
    while (Clock::now() < until && ::send(socket, line.data(), line.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  const auto connected = ServiceClient::connect(endless.url(), with_times(500ms, 20'000ms, 1));
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.error().code(), ErrorCode::malformed) << connected.error().what();
}

TEST_F(ClientTest, SaysThatTheServerClosedWithoutAWholeAnswer) {
  const ScriptedServer closing([](int socket, size_t) { read_request(socket); });
  expect_refused(closing, ErrorCode::resource_exhausted, 2);
  const ScriptedServer midway([](int socket, size_t) {
    read_request(socket);
    say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  });
  expect_refused(midway, ErrorCode::resource_exhausted, 2);
}

TEST_F(ClientTest, TriesAgainWhileTheServerIsBusy) {
  start();
  std::atomic<size_t> refused = 0;
  const std::string busy =
      json_answer(R"({"error": {"code": "resource_exhausted", "message": "busy", "request_id": "1"}})",
                  "503 Service Unavailable");
  const ScriptedServer always([&](int socket, size_t) {
    read_request(socket);
    ++refused;
    say(socket, busy);
  });
  expect_refused(always, ErrorCode::resource_exhausted, 3);
  EXPECT_EQ(refused, 3u);
}

TEST_F(ClientTest, SendsTheIdenticalBytesAgainWhenTheConnectionBreaks) {
  start();
  std::mutex mutex;
  std::vector<std::string> sent;
  // Breaks the first two connections once the whole request has gone up, and the answer of the third comes
  // through.
  const size_t whole = metadata().request_bytes();
  const Relay breaking(*server_, [&](bool to_server, size_t connection, const std::string& bytes) {
    const size_t infer = bytes.find("POST /v2/models/small/infer");
    if (infer == std::string::npos || !to_server) return true;
    const std::lock_guard lock(mutex);
    sent.resize(connection + 1);
    sent[connection] = bytes.substr(infer);
    return connection >= 2 || sent[connection].size() < whole;
  });
  ServiceClient connected = ServiceClient::connect(breaking.url()).value();
  ASSERT_TRUE(connected.upload_keys(owner().evaluation_keys).ok());
  const auto answer = connected.infer(owner().encrypted(rows().row(3)), owner().keys());
  ASSERT_TRUE(answer.ok()) << answer.error().what();
  expect_right(answer->ciphertext, rows().row(3));
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_GE(sent[0].size(), whole);
  const size_t common = std::min(sent[0].size(), sent[1].size());
  EXPECT_EQ(sent[0].substr(0, common), sent[2].substr(0, common));
  EXPECT_EQ(sent[1].substr(0, common), sent[2].substr(0, common));
}

TEST_F(ClientTest, GivesUpAfterABoundedNumberOfAttempts) {
  start();
  std::atomic<size_t> attempts = 0;
  const Relay breaking(*server_, [&](bool to_server, size_t, const std::string& bytes) {
    const bool infer = bytes.find("POST") != std::string::npos;
    if (infer && to_server && bytes.size() < 20'000) ++attempts;
    return !infer;
  });
  ServiceClient connected = ServiceClient::connect(breaking.url(), with_times(500ms, 2000ms, 3)).value();
  const auto answer = connected.infer(owner().encrypted(rows().row(0)), owner().keys());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::resource_exhausted);
  EXPECT_EQ(attempts, 3u);
}

TEST_F(ClientTest, PassesOnWhatTheServerRefuses) {
  start();
  ServiceClient connected = client();
  const auto missing = connected.infer(owner().encrypted(rows().row(0)), owner().keys());
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::missing_key);
  ASSERT_TRUE(connected.upload_keys(owner().evaluation_keys).ok());
  const auto other = connected.infer(Owner(metadata()).encrypted(rows().row(0)), owner().keys());
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), ErrorCode::parameter_mismatch);
  const auto shorter = connected.infer(Bytes(10), owner().keys());
  ASSERT_FALSE(shorter.ok());
  EXPECT_EQ(shorter.error().code(), ErrorCode::malformed);
  const auto bad_keys = connected.upload_keys(Bytes(10));
  ASSERT_FALSE(bad_keys.ok());
  EXPECT_EQ(bad_keys.error().code(), ErrorCode::malformed);
}

TEST_F(ClientTest, RefusesAModelThatHasChangedSince) {
  start();
  ServerOptions same = options();
  same.listen = server_->url().substr(std::string("http://").size());
  ServiceClient connected = client();
  ASSERT_TRUE(connected.upload_keys(owner().evaluation_keys).ok());
  server_.reset();
  server_ = Server::start(small_model(2), same).value();
  const auto answer = connected.infer(owner().encrypted(rows().row(0)), owner().keys());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::parameter_mismatch) << answer.error().what();
}

TEST_F(ClientTest, FindsItsServerAgainAfterARestart) {
  start();
  ServerOptions same = options();
  same.listen = server_->url().substr(std::string("http://").size());
  ClientOptions patient;
  patient.patience = 60s;  // a server plans before it listens
  ServiceClient connected = client(patient);
  ASSERT_TRUE(connected.upload_keys(owner().evaluation_keys).ok());
  server_.reset();
  std::thread restart([&] {
    std::this_thread::sleep_for(300ms);
    start(same);
  });
  const auto answer = connected.infer(owner().encrypted(rows().row(0)), owner().keys());
  restart.join();
  ASSERT_TRUE(answer.ok()) << answer.error().what();
  expect_right(answer->ciphertext, rows().row(0));
}

TEST_F(ClientTest, UploadsOnceAndTellsHowFarItIs) {
  start();
  ServiceClient connected = client();
  EXPECT_EQ(connected.metadata().to_json(), server_->metadata().to_json());
  EXPECT_FALSE(connected.has_keys(owner().keys()).value());
  std::vector<size_t> steps;
  const auto note = [&](size_t done, size_t total) {
    EXPECT_EQ(total, owner().evaluation_keys.size());
    steps.push_back(done);
  };
  EXPECT_EQ(connected.upload_keys(owner().evaluation_keys, note).value(), owner().keys());
  EXPECT_TRUE(std::ranges::is_sorted(steps));
  EXPECT_GT(steps.size(), 5u);
  EXPECT_EQ(steps.back(), owner().evaluation_keys.size());
  EXPECT_TRUE(connected.has_keys(owner().keys()).value());
  steps.clear();
  EXPECT_TRUE(connected.upload_keys(owner().evaluation_keys, note).ok());
  EXPECT_EQ(steps.size(), 1u) << "nothing is sent twice";
  const auto answer = connected.infer(owner().encrypted(rows().row(1)), owner().keys()).value();
  EXPECT_GT(answer.server_ms, 0);
  expect_right(answer.ciphertext, rows().row(1));
}

}  // namespace
}  // namespace cryptotl
