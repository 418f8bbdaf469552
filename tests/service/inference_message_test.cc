#include "service/inference_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/base/bytes.h"
#include "service/json.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

const Digest kModel = digest(as_bytes("model"));

Result<InferenceRequest> read(const std::string& text) {
  return read_inference_request(text, kModel, ServiceLimits());
}

/// A right request, as another client might write it.
Json right() {
  return Json::parse(R"({"id": "7",
    "inputs": [{"name": "input", "datatype": "UINT8", "shape": [100], "parameters": {"binary_data_size": 100}}],
    "outputs": [{"name": "output", "parameters": {"binary_data": true}}],
    "parameters": {"evaluation_keys": ")" +
                     std::string(64, 'a') + R"("}})");
}

TEST(InferenceMessage, RefusesEveryPartThatIsMissingUnknownOrOfAnotherType) {
  const Json wrong[] = {nullptr, true, -1, 1.5, "x", Json::array(), Json::object(), Json::array({1, 2})};
  const char* const kParts[] = {"/inputs",
                                "/inputs/0",
                                "/inputs/0/name",
                                "/inputs/0/datatype",
                                "/inputs/0/shape",
                                "/inputs/0/shape/0",
                                "/inputs/0/parameters",
                                "/inputs/0/parameters/binary_data_size",
                                "/outputs",
                                "/outputs/0",
                                "/outputs/0/name",
                                "/outputs/0/parameters/binary_data",
                                "/parameters",
                                "/parameters/evaluation_keys"};
  for (const char* const part : kParts) {
    const Json::json_pointer pointer(part);
    for (const Json& value : wrong) {
      Json bad = right();
      // One exception to every rule: true is right there.
      if (std::string_view(part).ends_with("binary_data") && value == true) continue;
      bad[pointer] = value;
      const auto parsed = read(bad.dump());
      ASSERT_FALSE(parsed.ok()) << bad.dump();
      EXPECT_EQ(parsed.error().code(), ErrorCode::malformed);
    }
    const Json::json_pointer parent = pointer.parent_pointer();
    Json bad = right();
    if (bad[parent].is_object()) {
      bad[parent].erase(pointer.back());
      EXPECT_FALSE(read(bad.dump()).ok()) << "without " << part;
    }
    bad = right();
    if (bad[parent].is_object()) {
      bad[parent]["decrypted"] = 1;
      const auto parsed = read(bad.dump());
      ASSERT_FALSE(parsed.ok()) << part;
      EXPECT_THAT(parsed.error().what(), testing::HasSubstr("unknown member 'decrypted'"));
    }
  }
  Json bad = right();
  bad["id"] = std::string(ServiceLimits().id_bytes + 1, 'i');
  EXPECT_FALSE(read(bad.dump()).ok());
  bad["id"] = 7;
  EXPECT_FALSE(read(bad.dump()).ok());
}

TEST(InferenceMessage, RefusesDeepJson) {
  const size_t depth = ServiceLimits().json_depth;
  const auto nested = [](size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_TRUE(parse_json_object(nested(depth), depth).ok());
  EXPECT_FALSE(parse_json_object(nested(depth + 1), depth).ok());
  EXPECT_FALSE(parse_json_object(std::string(100'000, '['), depth).ok());
  // Brackets in strings are no levels.
  EXPECT_TRUE(parse_json_object("{\"a\":\"\\\"" + std::string(100, '[') + "\"}", depth).ok());
}

TEST(InferenceMessage, RefusesTextThatIsNoJsonObject) {
  for (const char* const text :
       {"", "{", "[]", "1", "{\"a\":1}x", "{\"a\":\"\xff\"}", "nul", "{\"a\":1e999}"}) {
    EXPECT_FALSE(read(text).ok()) << text;
  }
}

TEST(InferenceMessage, RefusesAnswersThatLackAMemberOrHaveOneOfAnotherType) {
  const Json good = Json::parse(write_inference_response({"m", "an id", 678, 1.25, false}));
  ASSERT_TRUE(read_inference_response(good.dump()).ok());
  for (const char* const member : {"server_ms", "prepared"}) {
    Json bad = good;
    bad["parameters"].erase(member);
    EXPECT_FALSE(read_inference_response(bad.dump()).ok()) << member;
    bad["parameters"][member] = "1";
    EXPECT_FALSE(read_inference_response(bad.dump()).ok()) << member;
  }
}

TEST(InferenceMessage, ReadsARequestOfAnyClientOfTheProtocol) {
  const auto request = read(right().dump(2));
  ASSERT_TRUE(request.ok()) << request.error().what();
  EXPECT_EQ(request->id, "7");
  EXPECT_EQ(request->ciphertext_bytes, 100u);
  EXPECT_EQ(hex(request->keys), std::string(64, 'a'));
  EXPECT_EQ(request->model, kModel);
  Json other = right();
  other.erase("outputs");
  EXPECT_FALSE(read(other.dump()).ok()) << "the answer would have to be JSON";
  other["parameters"]["binary_data_output"] = true;
  EXPECT_TRUE(read(other.dump()).ok());
}

TEST(InferenceMessage, ReadsWhatItWrites) {
  const InferenceRequest request{"an id", digest(as_bytes("keys")), digest(as_bytes("another model")), 12345};
  const auto read_back = read(write_inference_request(request));
  ASSERT_TRUE(read_back.ok()) << read_back.error().what();
  EXPECT_EQ(read_back->id, request.id);
  EXPECT_EQ(read_back->keys, request.keys);
  EXPECT_EQ(read_back->model, request.model);
  EXPECT_EQ(read_back->ciphertext_bytes, request.ciphertext_bytes);

  const auto answer = read_inference_response(write_inference_response({"m", "an id", 678, 1.25, true}));
  ASSERT_TRUE(answer.ok()) << answer.error().what();
  EXPECT_EQ(answer->model_name, "m");
  EXPECT_EQ(answer->id, "an id");
  EXPECT_EQ(answer->ciphertext_bytes, 678u);
  EXPECT_EQ(answer->server_ms, 1.25);
  EXPECT_TRUE(answer->prepared);
}

}  // namespace
}  // namespace cryptotl
