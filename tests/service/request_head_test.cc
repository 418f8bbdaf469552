#include "service/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cryptotl {
namespace {

Result<RequestHead> parse(const std::string& head) { return parse_request_head(head, ServiceLimits()); }

TEST(RequestHead, RefusesWhatCouldBeReadInTwoWays) {
  const char* const kBad[] = {
      "\r\n\r\n",
      "GET / HTTP/1.1\r\n",
      "GET / HTTP/1.1\n\n",
      "GET / HTTP/1.1\r\nHost: a\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET /\r\n\r\n",
      "GET  HTTP/1.1\r\n\r\n",
      "GET http://here/ HTTP/1.1\r\n\r\n",
      "GET /a b HTTP/1.1\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\n\r\n",
      "GET /\xff HTTP/1.1\r\n\r\n",
      "get / HTTP/1.1\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\n",
      "DELETE / HTTP/1.1\r\n\r\n",
      "CONNECT here:80 HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost\r\n\r\n",
      "GET / HTTP/1.1\r\n: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 0x10\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: a miracle\r\n\r\n",
  };
  for (const char* const head : kBad) {
    const auto parsed = parse(head);
    ASSERT_FALSE(parsed.ok()) << head;
    EXPECT_EQ(parsed.error().code(), ErrorCode::malformed);
  }
}

TEST(RequestHead, RefusesOneByteAndOneHeaderTooMany) {
  const ServiceLimits limits;
  const std::string room(limits.request_line_bytes - std::string("GET / HTTP/1.1").size(), 'a');
  EXPECT_TRUE(parse("GET /" + room + " HTTP/1.1\r\n\r\n").ok());
  EXPECT_FALSE(parse("GET /" + room + "a HTTP/1.1\r\n\r\n").ok());
  std::string head = "GET / HTTP/1.1\r\n";
  for (size_t i = 0; i < limits.header_count; ++i) head += "a: b\r\n";
  EXPECT_TRUE(parse(head + "\r\n").ok());
  EXPECT_FALSE(parse(head + "a: b\r\n\r\n").ok());
}

TEST(RequestHead, KeepsTheHeadersThatTheServiceLooksAtAndNoOthers) {
  const auto head = parse(
      "POST /v2/models/m/infer HTTP/1.1\r\nHost: here\r\nRange: bytes=0-1\r\nAccept-Encoding: gzip\r\n"
      "Content-Type: multipart/form-data; boundary=x\r\nCookie: a=b\r\nInference-Header-Content-Length:7\r\n"
      "content-length:  12 \r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(head.ok()) << head.error().what();
  EXPECT_EQ(head->content_length, 12u);
  EXPECT_TRUE(head->expects_continue);
  EXPECT_EQ(head->text,
            "POST /v2/models/m/infer HTTP/1.1\r\nHost: here\r\nInference-Header-Content-Length: 7\r\n"
            "content-length: 12\r\nConnection: Keep-Alive\r\n\r\n");
}

}  // namespace
}  // namespace cryptotl
