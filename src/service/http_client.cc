#include "service/http_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace cryptotl {
namespace {

constexpr size_t kSlowestBytesASecond = 64 << 10;

/// By when the next byte must have come or gone.
class Patience {
 public:
  Patience(std::chrono::milliseconds time, bool is_long) : time_(time), long_(is_long) {}
  void moved(size_t bytes) { bytes_ += bytes; }
  Clock::time_point deadline() const {
    if (!long_) return start_ + time_;
    const std::chrono::milliseconds at_rate(1000 * bytes_ / kSlowestBytesASecond);
    return std::min(start_ + time_ + at_rate, Clock::now() + time_);
  }

 private:
  const std::chrono::milliseconds time_;
  const bool long_;
  const Clock::time_point start_ = Clock::now();
  size_t bytes_ = 0;
};

/// One exchange's share of the connection.
class Exchange : public httplib::Stream {
 public:
  Exchange(int socket, const Patience& patience, size_t answer_bytes, ExchangeState& state)
      : socket_(socket), patience_(patience), left_(answer_bytes), state_(state) {}

  ssize_t read(char* out, size_t size) override {
    if (begin_ == end_ && !fill()) return failed_ ? -1 : 0;
    const size_t count = std::min(size, end_ - begin_);
    std::copy_n(buffer_.data() + begin_, count, out);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* bytes, size_t size) override {
    while (true) {
      look_for_answer();
      if (state_.answered) return static_cast<ssize_t>(size);
      if (state_.ended || !wait(Direction::either)) return -1;
      const ssize_t count = send_some(socket_, bytes, size);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) continue;  // it was an answer that came
      state_.ended = count < 0;
      if (count > 0) patience_.moved(static_cast<size_t>(count));
      return count;
    }
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  void get_remote_ip_and_port(std::string& address, int& port) const override {
    name_of(socket_, End::remote, address, port);
  }
  void get_local_ip_and_port(std::string& address, int& port) const override {
    name_of(socket_, End::local, address, port);
  }
  socket_t socket() const override { return socket_; }

 private:
  bool wait(Direction direction) {
    state_.late = wait_for(socket_, direction, patience_.deadline(), nullptr) != Readiness::ready;
    return !state_.late;
  }

  /// A server that refuses a request need not take all of it, and may close the connection soon.
  void look_for_answer() {
    if (state_.answered) return;
    char first = 0;
    const ssize_t count = ::recv(socket_, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    state_.answered = count > 0;
    state_.ended = count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }

  bool fill() {
    state_.too_long = left_ == 0;
    failed_ = left_ == 0 || !wait(Direction::read);
    if (failed_) return false;
    const ssize_t count = receive_some(socket_, buffer_.data(), std::min(buffer_.size(), left_));
    failed_ = count < 0;
    state_.ended = count <= 0;
    if (count <= 0) return false;
    state_.heard = true;
    patience_.moved(static_cast<size_t>(count));
    left_ -= static_cast<size_t>(count);
    begin_ = 0;
    end_ = static_cast<size_t>(count);
    return true;
  }

  const int socket_;
  Patience patience_;
  size_t left_;
  ExchangeState& state_;
  bool failed_ = false;
  std::array<char, 16384> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace

HttpClient::HttpClient(const Address& address, std::chrono::milliseconds connect_time,
                       std::chrono::milliseconds request_time, size_t answer_bytes)
    : ClientImpl(address.host, address.port), request_time_(request_time), answer_bytes_(answer_bytes) {
  set_keep_alive(true);
  set_tcp_nodelay(true);
  set_decompress(false);
  set_connection_timeout(connect_time);
}

HttpClient::LongExchanges::LongExchanges(HttpClient& client, size_t answer_bytes)
    : client_(client), usual_bytes_(client.answer_bytes_) {
  client_.answer_bytes_ = answer_bytes;
  client_.long_ = true;
}

HttpClient::LongExchanges::~LongExchanges() {
  client_.answer_bytes_ = usual_bytes_;
  client_.long_ = false;
}

bool HttpClient::process_socket(const Socket& socket, std::function<bool(httplib::Stream&)> exchange) {
  state_ = {};
  Exchange stream(socket.sock, Patience(request_time_, long_), answer_bytes_, state_);
  return exchange(stream);
}

}  // namespace cryptotl
