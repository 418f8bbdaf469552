#include "service/socket_io.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "cryptotl/base/error.h"

namespace cryptotl {

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

StopSignal::StopSignal() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.number() < 0) throw Error(ErrorCode::resource_exhausted, "no file descriptors are left");
}

void StopSignal::set() {
  const uint64_t one = 1;
  CRYPTOTL_ASSERT(::write(event_.number(), &one, sizeof one) == sizeof one);
}

bool StopSignal::is_set() const {
  pollfd entry{event_.number(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

namespace {

short events_of(Direction direction) {
  switch (direction) {
    case Direction::read:
      return POLLIN;
    case Direction::write:
      return POLLOUT;
    default:
      return POLLIN | POLLOUT;
  }
}

}  // namespace

Readiness wait_for(int socket, Direction direction, Clock::time_point deadline, const StopSignal* stop) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(10);  // poll counts in an int
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const auto span = std::clamp(left, std::chrono::milliseconds(0), kLongest);
    pollfd entries[2] = {{socket, events_of(direction), 0}, {stop ? stop->descriptor() : -1, POLLIN, 0}};
    const int ready = ::poll(entries, 2, static_cast<int>(span.count()));
    if (ready > 0 && entries[1].revents != 0) return Readiness::stopped;
    if (ready > 0) return Readiness::ready;
    if (left <= std::chrono::milliseconds(0)) return Readiness::late;
  }
}

ssize_t receive_some(int socket, char* out, size_t size) {
  ssize_t count = 0;
  do {
    count = ::recv(socket, out, size, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  return count;
}

ssize_t send_some(int socket, const char* bytes, size_t size) {
  ssize_t count = 0;
  do {
    count = ::send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count;
}

void name_of(int socket, End end, std::string& address, int& port) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  const auto ask = end == End::remote ? ::getpeername : ::getsockname;
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (ask(socket, name, &length) != 0 ||
      ::getnameinfo(name, length, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  address = host;
  port = std::atoi(service);
}

}  // namespace cryptotl
