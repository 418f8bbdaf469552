#include "service/raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cryptotl {
namespace {

uint16_t port_of(const std::string& url) {
  return static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

RawAnswer parse_head(std::string_view head) {
  RawAnswer answer;
  answer.status = std::stoi(std::string(head.substr(9, 3)));
  size_t line = head.find("\r\n") + 2;
  while (line < head.size()) {
    const size_t end = head.find("\r\n", line);
    const size_t colon = head.find(": ", line);
    if (end <= line || colon > end) break;
    std::string name(head.substr(line, colon - line));
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  return answer;
}

}  // namespace

std::string RawAnswer::error_code() const {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("error")) return "";
  const auto& error = json["error"];
  const bool whole = error.size() == 3 && error.contains("message") && error.contains("request_id");
  return whole ? error.value("code", "") : "";
}

RawClient::RawClient(const Server& server) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port_of(server.url()));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_.number(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    if (wait_for(socket_.number(), Direction::write, deadline, nullptr) != Readiness::ready) return false;
    const ssize_t count = send_some(socket_.number(), bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(socket_.number(), SHUT_WR); }

bool RawClient::fill(Clock::time_point deadline) {
  char buffer[65536];
  if (wait_for(socket_.number(), Direction::read, deadline, nullptr) != Readiness::ready) return false;
  const ssize_t count = receive_some(socket_.number(), buffer, sizeof buffer);
  if (count > 0) ahead_.append(buffer, static_cast<size_t>(count));
  return count > 0;
}

std::optional<RawAnswer> RawClient::receive(std::chrono::milliseconds patience, bool head_only) {
  const auto deadline = Clock::now() + patience;
  while (true) {
    size_t end = 0;
    while ((end = ahead_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(deadline)) return std::nullopt;
    }
    RawAnswer answer = parse_head(std::string_view(ahead_).substr(0, end + 2));
    ahead_.erase(0, end + 4);
    if (answer.status == 100) continue;
    const size_t length = head_only ? 0 : std::stoul(answer.headers["content-length"]);
    while (ahead_.size() < length) {
      if (!fill(deadline)) return std::nullopt;
    }
    answer.body = ahead_.substr(0, length);
    ahead_.erase(0, length);
    return answer;
  }
}

bool RawClient::closed(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (fill(deadline)) {
  }
  return Clock::now() < deadline;
}

std::optional<RawAnswer> send_once(const Server& server, std::string_view request, bool head_only) {
  RawClient client(server);
  client.send(request);
  return client.receive(std::chrono::seconds(20), head_only);
}

std::string request_text(std::string_view method, std::string_view path, std::string_view body,
                         std::string_view more_headers) {
  std::string out = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n" +
                    std::string(more_headers);
  if (method == "PUT" || method == "POST") out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return (out + "\r\n").append(body);
}

std::string inference_text(const std::string& model, std::string_view json, ByteView ciphertext) {
  const std::string header = "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n";
  return request_text("POST", "/v2/models/" + model + "/infer", std::string(json).append(as_text(ciphertext)),
                      header);
}

}  // namespace cryptotl
