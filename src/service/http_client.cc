#include "service/http_client.h"

#include <algorithm>

namespace cryptotl {
namespace {

/// One exchange's share of the connection.
class Exchange : public httplib::Stream {
 public:
  Exchange(int socket, Clock::time_point deadline, size_t answer_bytes, ExchangeState& state)
      : socket_(socket), deadline_(deadline), left_(answer_bytes), state_(state) {}

  ssize_t read(char* out, size_t size) override {
    if (begin_ == end_ && !fill()) return failed_ ? -1 : 0;
    const size_t count = std::min(size, end_ - begin_);
    std::copy_n(buffer_.data() + begin_, count, out);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* bytes, size_t size) override {
    if (!wait(Direction::write)) return -1;
    const ssize_t count = send_some(socket_, bytes, size);
    state_.ended = count < 0;
    return count;
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
    state_.late = wait_for(socket_, direction, deadline_, nullptr) != Readiness::ready;
    return !state_.late;
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
    left_ -= static_cast<size_t>(count);
    begin_ = 0;
    end_ = static_cast<size_t>(count);
    return true;
  }

  const int socket_;
  const Clock::time_point deadline_;
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

bool HttpClient::process_socket(const Socket& socket, std::function<bool(httplib::Stream&)> exchange) {
  state_ = {};
  Exchange stream(socket.sock, Clock::now() + request_time_, answer_bytes_, state_);
  return exchange(stream);
}

}  // namespace cryptotl
