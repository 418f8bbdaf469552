#pragma once

#include <httplib.h>

#include <atomic>
#include <thread>

#include "cryptotl/base/error.h"
#include "service/address.h"
#include "service/connection.h"

namespace cryptotl {

/// The HTTP library's server behind limits of our own: it parses requests, finds their handlers and writes
/// answers; the sockets, their times and their number are watched here. Set the handlers before listen().
class HttpServer : public httplib::Server {
 public:
  explicit HttpServer(const ServiceLimits& limits);
  ~HttpServer() override;

  /// Binds and starts to answer; `address` gets the port that was taken.
  Status listen_on(Address& address);
  /// As Server::stop.
  void close();

  /// For a handler that lets its client wait before it reads the body: the body's time begins anew. Called
  /// in the handler's thread.
  static void restart_body_time();
  /// Whether the handler's body ends because the server stops. Called in the handler's thread.
  static bool stopping();

 private:
  void accept_connections();
  void serve(int descriptor);
  void refuse(int descriptor);

  const ServiceLimits limits_;
  StopSignal stop_;
  std::atomic<size_t> open_ = 0;
  std::unique_ptr<Descriptor> listener_;
  std::unique_ptr<httplib::ThreadPool> threads_;
  std::thread acceptor_;
};

/// Turns `response` into the error's: its status, JSON body and, for resource_exhausted, Retry-After.
void set_error(httplib::Response& response, const Error& error);

}  // namespace cryptotl
