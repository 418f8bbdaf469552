#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// Where a server listens: a numeric address and a port.
struct Address {
  std::string host;  ///< without the brackets of IPv6; "localhost" becomes 127.0.0.1
  uint16_t port = 0;

  bool is_ipv6() const { return host.find(':') != std::string::npos; }
  /// HOST:PORT, with brackets around IPv6.
  std::string text() const;
  std::string url() const { return "http://" + text(); }
};

/// HOST:PORT. invalid_argument for anything else, insecure_parameters for a host that is not loopback:
/// without TLS, whoever sits between could swap the model's metadata.
Result<Address> parse_loopback(std::string_view text);

/// The same from http://HOST:PORT, a slash at the end allowed.
Result<Address> parse_loopback_url(std::string_view url);

}  // namespace cryptotl
