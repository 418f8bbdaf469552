#include "service/request_head.h"

#include <algorithm>
#include <array>
#include <set>

#include "service/inference_message.h"
#include "service/whole_number.h"

namespace cryptotl {
namespace {

constexpr std::array<std::string_view, 4> kMethods = {"GET", "HEAD", "POST", "PUT"};
constexpr std::string_view kTokenCharacters =
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

Error malformed(const std::string& what) { return Error(ErrorCode::malformed, "HTTP head: " + what); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool has_control(std::string_view line) {
  return std::ranges::any_of(
      line, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// METHOD SP /path SP HTTP/1.x; the path is printable ASCII.
Status check_request_line(std::string_view line, const ServiceLimits& limits) {
  if (line.size() > limits.request_line_bytes) {
    return malformed("the request line is longer than " + std::to_string(limits.request_line_bytes) +
                     " bytes");
  }
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return malformed("not a request line");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (std::ranges::find(kMethods, line.substr(0, first)) == kMethods.end()) {
    return malformed("the methods are GET, HEAD, POST and PUT");
  }
  const bool printable = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
  if (target.empty() || target.front() != '/' || !printable)
    return malformed("the path does not start with /");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return malformed("the versions are HTTP/1.1 and HTTP/1.0");
  return {};
}

Result<uint64_t> parse_length(std::string_view value) {
  const auto length = whole_number(value);
  if (length) return *length;
  return malformed("Content-Length is not a number");
}

/// Notes what the header means for the body and keeps its line where the service looks at it.
Status take_header(std::string_view line, RequestHead& head, std::set<std::string>& seen) {
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  if (colon == std::string_view::npos || field.empty() ||
      field.find_first_not_of(kTokenCharacters) != std::string_view::npos || has_control(line)) {
    return malformed("not a header line");
  }
  const std::string name = lower(field);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "transfer-encoding") return malformed("Transfer-Encoding is not taken; send Content-Length");
  if (name == "content-encoding" && lower(value) != "identity")
    return malformed("Content-Encoding is not taken");
  const bool used = name == "content-length" || name == "connection" || name == "expect" || name == "host" ||
                    name == lower(kJsonLengthHeader);
  if (!used) return {};
  if (!seen.insert(name).second) return malformed("the header " + name + " stands twice");
  if (name == "content-length") {
    const auto length = parse_length(value);
    if (!length.ok()) return length.error();
    head.content_length = *length;
  }
  if (name == "expect") {
    if (lower(value) != "100-continue") return malformed("the only expectation is 100-continue");
    head.expects_continue = true;
    return {};
  }
  // The library compares these two words as they are written here.
  std::string kept(value);
  if (name == "connection")
    kept = lower(value) == "keep-alive" ? "Keep-Alive" : lower(value) == "close" ? "close" : "";
  head.text += std::string(field) + ": " + kept + "\r\n";
  return {};
}

}  // namespace

Result<RequestHead> parse_request_head(std::string_view text, const ServiceLimits& limits) {
  RequestHead head;
  std::set<std::string> seen;
  size_t lines = 0;
  bool get = false;
  while (true) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return malformed("it has no end");
    if (end == 0 || text[end - 1] != '\r') return malformed("a line does not end with CR LF");
    const std::string_view line = text.substr(0, end - 1);
    text.remove_prefix(end + 1);
    if (lines == 0) {
      CRYPTOTL_TRY(check_request_line(line, limits));
      head.text = std::string(line) + "\r\n";
      get = line.starts_with("GET ") || line.starts_with("HEAD ");
    } else if (line.empty()) {
      break;
    } else {
      CRYPTOTL_TRY(take_header(line, head, seen));
    }
    if (lines++ > limits.header_count) {
      return malformed("more than " + std::to_string(limits.header_count) + " headers");
    }
  }
  if (get && head.content_length > 0) return malformed("GET and HEAD have no body");
  if (!get && !seen.contains("content-length")) return malformed("POST and PUT need a Content-Length");
  head.text += "\r\n";
  return head;
}

}  // namespace cryptotl
