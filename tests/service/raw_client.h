#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "cryptotl/service/server.h"
#include "service/socket_io.h"

namespace cryptotl {

/// An HTTP answer as it came off the socket.
struct RawAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  /// error.code of a JSON error body; empty where there is none.
  std::string error_code() const;
};

/// A TCP connection to a server, for bytes that no HTTP client would send.
class RawClient {
 public:
  explicit RawClient(const Server& server);

  bool send(std::string_view bytes);
  /// Says that nothing more comes.
  void finish_sending();
  /// The next answer; none where the server closes or is silent for `patience`.
  std::optional<RawAnswer> receive(std::chrono::milliseconds patience = std::chrono::seconds(20),
                                   bool head_only = false);
  /// Whether the server closes within `patience`.
  bool closed(std::chrono::milliseconds patience = std::chrono::seconds(20));

 private:
  bool fill(Clock::time_point deadline);
  Descriptor socket_;
  std::string ahead_;
};

/// One request on a connection of its own.
std::optional<RawAnswer> send_once(const Server& server, std::string_view request, bool head_only = false);

/// A request with a body and a right Content-Length.
std::string request_text(std::string_view method, std::string_view path, std::string_view body = {},
                         std::string_view more_headers = {});

/// POST .../infer with this JSON part and ciphertext.
std::string inference_text(const std::string& model, std::string_view json, ByteView ciphertext);

}  // namespace cryptotl
