#include "service/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace cryptotl {
namespace {

Error not_an_address(std::string_view text) {
  return Error(
      ErrorCode::invalid_argument,
      "'" + std::string(text) + "' is not an address and a port, such as 127.0.0.1:8000 or [::1]:8000");
}

enum class Reach { none, loopback, network };

/// How far a numeric address reaches; none where the text is no address.
Reach reach(const std::string& host) {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) {
    return ntohl(four.s_addr) >> 24 == 127 ? Reach::loopback : Reach::network;
  }
  in6_addr six{};
  if (inet_pton(AF_INET6, host.c_str(), &six) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&six) ? Reach::loopback : Reach::network;
  }
  return Reach::none;
}

bool is_host_name(std::string_view host) {
  return !host.empty() &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
             std::string_view::npos;
}

}  // namespace

std::string Address::text() const {
  return (is_ipv6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> parse_loopback(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return not_an_address(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  Address address{host == "localhost" ? "127.0.0.1" : std::string(host), 0};
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (failure != std::errc() || end != port.data() + port.size() || bracketed != address.is_ipv6()) {
    return not_an_address(text);
  }
  const Reach how_far = reach(address.host);
  if (how_far == Reach::none && !is_host_name(host)) return not_an_address(text);
  if (how_far != Reach::loopback) {
    return Error(ErrorCode::insecure_parameters,
                 "'" + std::string(text) +
                     "' is not a loopback address, and the service has no TLS: use 127.0.0.1 "
                     "(or a tunnel that ends there)");
  }
  return address;
}

Result<Address> parse_loopback_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return Error(ErrorCode::invalid_argument,
                 "'" + std::string(url) + "' is not a URL such as http://127.0.0.1:8000");
  }
  std::string_view rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  return parse_loopback(rest);
}

}  // namespace cryptotl
