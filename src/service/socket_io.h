#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace cryptotl {

using Clock = std::chrono::steady_clock;

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// Wakes every thread that waits on a socket, once and for all.
class StopSignal {
 public:
  StopSignal();
  void set();
  bool is_set() const;
  /// Readable from set() on.
  int descriptor() const { return event_.number(); }

 private:
  Descriptor event_;
};

enum class Direction { read, write, either };
enum class Readiness { ready, late, stopped };

/// Waits until the socket can be read or written, or either, or has failed; until the deadline; or until
/// `stop`, where there is one.
Readiness wait_for(int socket, Direction direction, Clock::time_point deadline, const StopSignal* stop);

/// recv and send that never wait, start again after a signal and raise none; bytes, 0 at the end, -1 on
/// failure.
ssize_t receive_some(int socket, char* out, size_t size);
ssize_t send_some(int socket, const char* bytes, size_t size);

enum class End { local, remote };

/// Numeric address and port of an end; left alone where the socket has none any more.
void name_of(int socket, End end, std::string& address, int& port);

}  // namespace cryptotl
