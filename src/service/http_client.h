#pragma once

#include <httplib.h>

#include <chrono>

#include "service/address.h"
#include "service/socket_io.h"

namespace cryptotl {

/// How one exchange ended below HTTP.
struct ExchangeState {
  bool answered = false;  ///< while our request was still being sent: the rest of it goes nowhere
  bool late = false;
  bool too_long = false;
  bool heard = false;  ///< at least one byte came back
  bool ended = false;  ///< the other side closed or broke the connection
};

/// The HTTP library's client behind limits of our own: each exchange has a deadline, and an answer a number
/// of bytes, head included, beyond which it is cut off. A server that dribbles or never ends costs neither
/// time nor memory. A server that answers before it has been sent everything is listened to.
class HttpClient : public httplib::ClientImpl {
 public:
  HttpClient(const Address& address, std::chrono::milliseconds connect_time,
             std::chrono::milliseconds request_time, size_t answer_bytes);

  /// Of the last exchange, or of the one that goes on.
  const ExchangeState& state() const { return state_; }

  /// While it lives, exchanges are long ones: their answers may have so many bytes, and the request time is
  /// that from one byte to the next; the whole may besides take a second for every 64 KiB.
  class LongExchanges {
   public:
    LongExchanges(HttpClient& client, size_t answer_bytes);
    ~LongExchanges();
    LongExchanges(const LongExchanges&) = delete;
    LongExchanges& operator=(const LongExchanges&) = delete;

   private:
    HttpClient& client_;
    const size_t usual_bytes_;
  };

 private:
  bool process_socket(const Socket& socket, std::function<bool(httplib::Stream&)> exchange) override;

  const std::chrono::milliseconds request_time_;
  size_t answer_bytes_;
  bool long_ = false;
  ExchangeState state_;
};

}  // namespace cryptotl
