#include "service/http_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "cryptotl/base/bytes.h"
#include "cryptotl/base/random.h"
#include "service/json.h"

namespace cryptotl {
namespace {

constexpr const char* kRetryAfterSeconds = "1";

/// The connection that this thread serves.
thread_local Connection* current_connection = nullptr;

std::string new_request_id() {
  std::array<uint8_t, 8> bytes;
  random_bytes(bytes);
  return hex(bytes);
}

/// An answer to what never reached the HTTP library.
std::string raw_error(const Error& error) {
  const std::string body = error_body(error, new_request_id());
  std::string out = "HTTP/1.1 " + std::to_string(http_status(error.code())) + " Refused\r\n";
  if (error.code() == ErrorCode::resource_exhausted)
    out += std::string("Retry-After: ") + kRetryAfterSeconds + "\r\n";
  return out + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

Error cannot_listen(const Address& address) {
  return Error(ErrorCode::resource_exhausted,
               "cannot listen on " + address.text() + ": " + std::generic_category().message(errno));
}

int bound_socket(const Address& address) {
  sockaddr_in four{};
  sockaddr_in6 six{};
  four.sin_family = AF_INET;
  four.sin_port = htons(address.port);
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(address.port);
  const bool is_six = address.is_ipv6();
  inet_pton(is_six ? AF_INET6 : AF_INET, address.host.c_str(),
            is_six ? static_cast<void*>(&six.sin6_addr) : &four.sin_addr);
  const auto* name =
      is_six ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
  const int descriptor = ::socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  const int yes = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  constexpr int kBacklog = 128;
  if (::bind(descriptor, name, is_six ? sizeof six : sizeof four) == 0 &&
      ::listen(descriptor, kBacklog) == 0) {
    return descriptor;
  }
  const int number = errno;
  ::close(descriptor);
  errno = number;
  return -1;
}

}  // namespace

void set_error(httplib::Response& response, const Error& error) {
  response.status = http_status(error.code());
  response.set_content(error_body(error, new_request_id()), "application/json");
  if (error.code() == ErrorCode::resource_exhausted) response.set_header("Retry-After", kRetryAfterSeconds);
}

HttpServer::HttpServer(const ServiceLimits& limits) : limits_(limits) {
  // What the library refuses by itself gets our JSON too.
  set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;
    set_error(response, response.status == 404
                            ? Error(ErrorCode::not_found, "no such route")
                            : Error(ErrorCode::malformed, "not a request of this protocol"));
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const Error& error) {
      set_error(response, error);
    } catch (const std::bad_alloc&) {
      set_error(response, Error(ErrorCode::resource_exhausted, "out of memory"));
    } catch (...) {
      set_error(response, Error(ErrorCode::internal, "unexpected failure"));
    }
  });
  // A refused body may be half read; what follows it cannot be told from it.
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    if (!current_connection->body_read()) response.set_header("Connection", "close");
  });
  set_keep_alive_timeout(std::chrono::ceil<std::chrono::seconds>(limits.keep_alive_time).count());
  set_keep_alive_max_count(limits.requests_per_connection);
}

HttpServer::~HttpServer() { close(); }

Status HttpServer::listen_on(Address& address) {
  const int descriptor = bound_socket(address);
  if (descriptor < 0) return cannot_listen(address);
  listener_ = std::make_unique<Descriptor>(descriptor);
  std::string host;
  int port = 0;
  name_of(descriptor, End::local, host, port);
  address.port = static_cast<uint16_t>(port);
  // The library streams an answer only while it holds a listening socket; it does nothing else with it here.
  svr_sock_ = descriptor;
  threads_ = std::make_unique<httplib::ThreadPool>(limits_.connections);
  acceptor_ = std::thread([this] { accept_connections(); });
  return {};
}

void HttpServer::close() {
  if (!acceptor_.joinable()) return;
  stop_.set();
  acceptor_.join();
  listener_.reset();
  threads_->shutdown();
  svr_sock_ = INVALID_SOCKET;
}

void HttpServer::restart_body_time() { current_connection->restart_body_time(); }
bool HttpServer::stopping() { return current_connection->stopping(); }

void HttpServer::accept_connections() {
  while (wait_for(listener_->number(), Direction::read, Clock::time_point::max(), &stop_) ==
         Readiness::ready) {
    const int descriptor = ::accept4(listener_->number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
      // Out of descriptors or memory: what waits in the backlog gets its turn when others are done.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      continue;
    }
    if (open_ >= limits_.connections) {
      refuse(descriptor);
      continue;
    }
    ++open_;
    threads_->enqueue([this, descriptor] {
      serve(descriptor);
      --open_;
    });
  }
}

/// Never waits for the client: this is the thread that accepts everybody else.
void HttpServer::refuse(int descriptor) {
  const Descriptor owner(descriptor);
  const std::string answer =
      raw_error(Error(ErrorCode::resource_exhausted,
                      std::to_string(limits_.connections) + " connections are open; try again later"));
  static_cast<void>(send_some(descriptor, answer.data(), answer.size()));
  ::shutdown(descriptor, SHUT_WR);
  char buffer[4096];
  while (receive_some(descriptor, buffer, sizeof buffer) > 0) {
  }
}

void HttpServer::serve(int descriptor) {
  const Descriptor owner(descriptor);
  const int yes = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  Connection connection(descriptor, limits_, stop_);
  current_connection = &connection;
  for (size_t left = limits_.requests_per_connection; left > 0 && connection.wait_for_request(); --left) {
    const auto head = connection.read_head();
    if (!head) return;
    if (!head->ok()) {
      connection.write_all(raw_error(head->error()));
      break;
    }
    bool last = left == 1 || stop_.is_set();
    if (!process_request(connection, last, last, nullptr) || last || !connection.body_read()) break;
  }
  connection.linger();
}

}  // namespace cryptotl
