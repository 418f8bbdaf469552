#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cryptotl/base/error.h"
#include "cryptotl/service/limits.h"

namespace cryptotl {

/// The head of an HTTP/1.1 request (RFC 9112), checked: a known method, no Transfer-Encoding, one
/// Content-Length at most, lines that end in CR LF, no control characters.
struct RequestHead {
  uint64_t content_length = 0;
  bool expects_continue = false;
  /// The head again with only the headers that the service looks at. Ranges, codings, forms and the like
  /// never reach the HTTP library, so none of it can be turned against it.
  std::string text;
};

/// `head` ends with the empty line. malformed says which line is wrong.
Result<RequestHead> parse_request_head(std::string_view head, const ServiceLimits& limits);

}  // namespace cryptotl
