#include "service/request_body.h"

#include <algorithm>
#include <string>

#include "service/http_server.h"
#include "service/whole_number.h"

namespace cryptotl {
namespace {

Error truncated(size_t got, size_t wanted) {
  // Nothing is wrong with the request: it is to be tried again.
  if (HttpServer::stopping())
    return Error(ErrorCode::resource_exhausted, "the server stops; try again later");
  return Error(ErrorCode::malformed,
               "the body ends after " + std::to_string(got) + " of " + std::to_string(wanted) + " bytes");
}

}  // namespace

Result<size_t> number_header(const httplib::Request& request, std::string_view name) {
  const auto number = whole_number(request.get_header_value(std::string(name)));
  if (number) return *number;
  return Error(ErrorCode::malformed, "the header " + std::string(name) + " is missing or not a number");
}

Status require_length(size_t length, std::initializer_list<size_t> right) {
  if (std::ranges::find(right, length) != right.end()) return {};
  std::string lengths;
  for (const size_t one : right) lengths += (lengths.empty() ? "" : " or ") + std::to_string(one);
  return Error(length > std::ranges::max(right) ? ErrorCode::too_large : ErrorCode::malformed,
               "the body has " + std::to_string(length) + " bytes; " + lengths + " are right");
}

Status read_body(const httplib::ContentReader& reader, size_t length,
                 const std::function<Status(ByteView)>& take) {
  Status status;
  size_t got = 0;
  const bool whole = reader([&](const char* data, size_t size) {
    got += size;
    status = take(as_bytes({data, size}));
    return status.ok();
  });
  if (!status.ok()) return status;
  if (!whole || got != length) return truncated(got, length);
  return {};
}

}  // namespace cryptotl
