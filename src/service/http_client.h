#pragma once

#include <httplib.h>

#include <chrono>

#include "service/address.h"
#include "service/socket_io.h"

namespace cryptotl {

/// How one exchange ended below HTTP.
struct ExchangeState {
  bool late = false;
  bool too_long = false;
  bool heard = false;  ///< at least one byte came back
  bool ended = false;  ///< the other side closed or broke the connection
};

/// The HTTP library's client behind limits of our own: each exchange has a deadline, and an answer a number
/// of bytes, head included, beyond which it is cut off. A server that dribbles or never ends costs neither
/// time nor memory.
class HttpClient : public httplib::ClientImpl {
 public:
  HttpClient(const Address& address, std::chrono::milliseconds connect_time,
             std::chrono::milliseconds request_time, size_t answer_bytes);

  /// Of the last exchange.
  const ExchangeState& state() const { return state_; }

 private:
  bool process_socket(const Socket& socket, std::function<bool(httplib::Stream&)> exchange) override;

  const std::chrono::milliseconds request_time_;
  const size_t answer_bytes_;
  ExchangeState state_;
};

}  // namespace cryptotl
