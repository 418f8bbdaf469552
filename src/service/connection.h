#pragma once

#include <httplib.h>

#include <optional>
#include <string>

#include "service/request_head.h"
#include "service/socket_io.h"

namespace cryptotl {

/// A client's connection as the HTTP library reads it: a checked head, then exactly the body that the head
/// announces, all within the limits' times. One thread at a time.
class Connection : public httplib::Stream {
 public:
  Connection(int descriptor, const ServiceLimits& limits, const StopSignal& stop);

  /// Whether another request begins, within the keep-alive time.
  bool wait_for_request();
  /// Reads and checks the head; from then on read() gives the head and the body. No value where the client
  /// has gone.
  std::optional<Status> read_head();
  /// The time that the body may take counts from now on.
  void restart_body_time() { body_start_ = Clock::now(); }
  /// Whether the whole body has been read, so that what follows is the next request.
  bool body_read() const { return body_left_ == 0; }
  /// Whether the server stops, and takes no more bytes.
  bool stopping() const { return stop_.is_set(); }
  /// Writes all of it, as far as the client takes it.
  void write_all(std::string_view bytes);
  /// Ends our side and takes in, for the linger time, what the client still sends: it may only then read the
  /// answer.
  void linger();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* out, size_t size) override;
  ssize_t write(const char* bytes, size_t size) override;
  void get_remote_ip_and_port(std::string& address, int& port) const override;
  void get_local_ip_and_port(std::string& address, int& port) const override;
  socket_t socket() const override;

 private:
  /// When the next of `bytes` bytes must have come or gone, counted from `start`.
  Clock::time_point deadline(Clock::time_point start, uint64_t bytes) const;
  ssize_t receive(char* out, size_t size, Clock::time_point until);
  ssize_t receive_piece();

  const int descriptor_;
  const ServiceLimits& limits_;
  const StopSignal& stop_;

  std::string ahead_;  ///< received, but taken only in part
  size_t ahead_taken_ = 0;
  std::string head_;
  size_t head_taken_ = 0;
  uint64_t body_left_ = 0;
  uint64_t body_taken_ = 0;
  bool owes_continue_ = false;
  Clock::time_point body_start_;
  uint64_t written_ = 0;
  Clock::time_point write_start_;
};

}  // namespace cryptotl
