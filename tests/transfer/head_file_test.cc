#include "cryptotl/transfer/head_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/network/onnx.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

/// A linear head on three features.
TrainedHead small_head() {
  TrainedHead out;
  out.head.kind = HeadKind::linear;
  out.head.network = {3, {dense_of_uniform_numbers(1, 3, 1), Sigmoid{}}};
  out.head.reason = "because";
  out.head.sensitivity = 2.5;
  out.labels = {"ham", "spam, or worse"};
  out.embedder = external_embedder("x", 5);
  out.model.fill(7);
  out.feature_width = 3;
  out.predicted_error = 1e-5;
  return out;
}

ErrorCode code_of_bytes(ByteView bytes) {
  const auto head = read_head(bytes);
  return head.ok() ? ErrorCode::internal : head.error().code();
}

TEST(HeadFileTest, RefusesEveryTruncation) {
  const Bytes bytes = write_head(small_head()).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(read_head(ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(HeadFileTest, RefusesEveryByteFlipped) {
  Bytes bytes = write_head(small_head()).value();
  for (uint8_t& byte : bytes) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      byte = static_cast<uint8_t>(byte ^ flip);
      EXPECT_FALSE(read_head(bytes).ok()) << &byte - bytes.data();
      byte = static_cast<uint8_t>(byte ^ flip);
    }
  }
  EXPECT_TRUE(read_head(bytes).ok());
}

TEST(HeadFileTest, RefusesBytesAfterTheEnd) {
  Bytes bytes = write_head(small_head()).value();
  bytes.push_back(0);
  EXPECT_FALSE(read_head(bytes).ok());
}

TEST(HeadFileTest, RefusesANetworkThatIsNoHead) {
  const auto bytes = write_onnx(small_head().head.network);
  const auto head = read_head(*bytes);
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().code(), ErrorCode::malformed);
  EXPECT_THAT(head.error().what(), HasSubstr("not a head"));
}

TEST(HeadFileTest, RefusesAnotherFormatVersion) {
  const Bytes bytes = write_head(small_head()).value();
  OnnxFile file = read_onnx(bytes).value();
  nlohmann::json entry = nlohmann::json::parse(file.metadata.at(kHeadEntry));
  entry["format_version"] = 2;
  file.metadata = {{kHeadEntry, entry.dump()}};
  file.metadata["cryptotl.digest"] = hex(digest(write_onnx(file.network, file.metadata).value()));
  EXPECT_EQ(code_of_bytes(write_onnx(file.network, file.metadata).value()), ErrorCode::unsupported_version);
}

TEST(HeadFileTest, RefusesToWriteAHeadWhosePartsDoNotFit) {
  TrainedHead head = small_head();
  head.feature_width = 4;
  EXPECT_FALSE(write_head(head).ok());
  head = small_head();
  head.labels.push_back("third");
  EXPECT_FALSE(write_head(head).ok());
  head = small_head();
  head.head.network.layers.pop_back();
  EXPECT_FALSE(write_head(head).ok());
}

TEST(HeadFileTest, ComesBackAsItWasWritten) {
  const TrainedHead head = small_head();
  const Bytes bytes = write_head(head).value();
  const TrainedHead back = read_head(bytes).value();
  EXPECT_EQ(write_head(back).value(), bytes);
  EXPECT_EQ(back.head.kind, HeadKind::linear);
  EXPECT_EQ(back.asked, HeadKind::automatic);
  EXPECT_EQ(back.head.reason, "because");
  EXPECT_EQ(back.labels, head.labels);
  EXPECT_EQ(back.embedder, head.embedder);
  EXPECT_EQ(back.model, head.model);
  EXPECT_EQ(back.feature_width, 3u);
  EXPECT_EQ(back.predicted_error, 1e-5);
  const std::vector<double> row = {0.1, -0.2, 0.3};
  EXPECT_EQ(forward(back.head.network, row), forward(head.head.network, row));
}

TEST(HeadFileTest, ALocalHeadThatAutoChoseStillAsksTheServer) {
  TrainedHead head = small_head();
  head.head.kind = HeadKind::local;
  EXPECT_TRUE(head.asks_server());
  head.asked = HeadKind::local;
  EXPECT_FALSE(head.asks_server());
}

TEST(CallsTest, ScoreIsThatOfTheSecondOfTwoLabelsAndOfTheCalledOneOfMore) {
  Matrix two(2, 1);
  two.values = {0.25, 0.75};
  const std::vector<Call> binary = calls(two);
  EXPECT_EQ(binary[0].label, 0);
  EXPECT_EQ(binary[0].score, 0.25);
  EXPECT_EQ(binary[1].label, 1);
  EXPECT_EQ(binary[1].score, 0.75);
  Matrix three(1, 3);
  three.values = {0.2, 0.3, 0.5};
  EXPECT_EQ(calls(three)[0].label, 2);
  EXPECT_EQ(calls(three)[0].score, 0.5);
}

}  // namespace
}  // namespace cryptotl
