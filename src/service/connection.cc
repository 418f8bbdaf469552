#include "service/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace cryptotl {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
/// Of a body that are received at a time; the library asks for 4 KiB.
constexpr size_t kAheadBytes = 64 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection::Connection(int descriptor, const ServiceLimits& limits, const StopSignal& stop)
    : descriptor_(descriptor), limits_(limits), stop_(stop) {}

Clock::time_point Connection::deadline(Clock::time_point start, uint64_t bytes) const {
  const auto at_rate = std::chrono::milliseconds(bytes * 1000 / limits_.body_bytes_per_second);
  return std::min(start + limits_.body_grace + at_rate, Clock::now() + limits_.idle_time);
}

ssize_t Connection::receive(char* out, size_t size, Clock::time_point until) {
  if (wait_for(descriptor_, Direction::read, until, &stop_) != Readiness::ready) return -1;
  return receive_some(descriptor_, out, size);
}

bool Connection::wait_for_request() {
  if (ahead_taken_ < ahead_.size()) return true;
  char first = 0;
  const auto until = Clock::now() + limits_.keep_alive_time;
  return wait_for(descriptor_, Direction::read, until, &stop_) == Readiness::ready &&
         ::recv(descriptor_, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

std::optional<Status> Connection::read_head() {
  const auto until = Clock::now() + limits_.head_time;
  ahead_.erase(0, std::exchange(ahead_taken_, 0));
  size_t end = 0;
  size_t searched = 0;
  while ((end = ahead_.find(kEndOfHead, searched)) == std::string::npos) {
    searched = ahead_.size() < kEndOfHead.size() ? 0 : ahead_.size() - kEndOfHead.size() + 1;
    if (ahead_.size() >= limits_.head_bytes) break;
    char buffer[4096];
    const ssize_t count = receive(buffer, std::min(sizeof buffer, limits_.head_bytes - ahead_.size()), until);
    if (count > 0) {
      ahead_.append(buffer, static_cast<size_t>(count));
      continue;
    }
    if (ahead_.empty() || stop_.is_set()) return std::nullopt;
    return Status(Error(ErrorCode::malformed, "HTTP head: it has no end (it may take " +
                                                  std::to_string(limits_.head_time.count()) + " ms)"));
  }
  if (end == std::string::npos) {
    return Status(Error(ErrorCode::malformed,
                        "HTTP head: longer than " + std::to_string(limits_.head_bytes) + " bytes"));
  }
  auto head = parse_request_head(std::string_view(ahead_).substr(0, end + kEndOfHead.size()), limits_);
  if (!head.ok()) return Status(head.error());
  ahead_.erase(0, end + kEndOfHead.size());
  head_ = std::move(head->text);
  head_taken_ = 0;
  body_left_ = head->content_length;
  body_taken_ = 0;
  owes_continue_ = head->expects_continue;
  body_start_ = Clock::now();
  written_ = 0;
  return Status();
}

ssize_t Connection::read(char* out, size_t size) {
  if (head_taken_ < head_.size()) {
    const size_t count = std::min(size, head_.size() - head_taken_);
    std::memcpy(out, head_.data() + head_taken_, count);
    head_taken_ += count;
    return static_cast<ssize_t>(count);
  }
  size = std::min<uint64_t>(size, body_left_);
  if (size == 0) return 0;
  if (ahead_taken_ == ahead_.size()) {
    const ssize_t received = receive_piece();
    if (received <= 0) return received;
  }
  size = std::min(size, ahead_.size() - ahead_taken_);
  std::memcpy(out, ahead_.data() + ahead_taken_, size);
  ahead_taken_ += size;
  body_left_ -= size;
  body_taken_ += size;
  return static_cast<ssize_t>(size);
}

/// Of the body, into ahead_, all of which has been taken.
ssize_t Connection::receive_piece() {
  if (std::exchange(owes_continue_, false)) write_all(kContinue);
  ahead_.resize(std::min<uint64_t>(kAheadBytes, body_left_));
  ahead_taken_ = 0;
  const ssize_t count = receive(ahead_.data(), ahead_.size(), deadline(body_start_, body_taken_));
  ahead_.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return count;
}

ssize_t Connection::write(const char* bytes, size_t size) {
  if (written_ == 0) write_start_ = Clock::now();
  // An answer goes out although the server stops.
  if (wait_for(descriptor_, Direction::write, deadline(write_start_, written_), nullptr) != Readiness::ready)
    return -1;
  const ssize_t count = send_some(descriptor_, bytes, size);
  if (count > 0) written_ += static_cast<uint64_t>(count);
  return count;
}

void Connection::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(bytes.data(), bytes.size());
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void Connection::linger() {
  ::shutdown(descriptor_, SHUT_WR);
  const auto until = Clock::now() + limits_.linger_time;
  char buffer[16384];
  while (receive(buffer, sizeof buffer, until) > 0) {
  }
}

bool Connection::is_readable() const { return true; }
bool Connection::is_writable() const { return true; }

void Connection::get_remote_ip_and_port(std::string& address, int& port) const {
  name_of(descriptor_, End::remote, address, port);
}

void Connection::get_local_ip_and_port(std::string& address, int& port) const {
  name_of(descriptor_, End::local, address, port);
}

socket_t Connection::socket() const { return descriptor_; }

}  // namespace cryptotl
