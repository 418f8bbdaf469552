#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cryptotl/plan/planner.h"
#include "cryptotl/service/client.h"
#include "cryptotl/service/server.h"
#include "service/inference_message.h"
#include "service/party.h"
#include "service/raw_client.h"

namespace cryptotl {

inline ClientOptions with_times(std::chrono::milliseconds connect, std::chrono::milliseconds request,
                                size_t attempts) {
  ClientOptions out;
  out.connect_time = connect;
  out.request_time = request;
  out.attempts = attempts;
  return out;
}

/// A server in this process and one data owner, whose keys are on disk already. All tests of a program share
/// the owner.
class Served : public testing::Test {
 protected:
  static const Model& model() {
    static const Model model = small_model();
    return model;
  }
  static const ModelMetadata& metadata() {
    static const ModelMetadata metadata =
        ModelMetadata::of(model(), plan_latency(fold(model().lower).value(), model().calibration).value());
    return metadata;
  }
  static const Owner& owner() {
    static const Owner owner(metadata());
    return owner;
  }
  static const Matrix& rows() {
    static const Matrix rows = uniform_rows(8, model().lower.input_width, 99);
    return rows;
  }

  ServerOptions options() const {
    ServerOptions options;
    options.key_store = folder_.path() / "keys";
    return options;
  }
  void start(const ServerOptions& options) { server_ = Server::start(model(), options).value(); }
  void start() { start(options()); }
  ServiceClient client(const ClientOptions& options = {}) {
    return ServiceClient::connect(server_->url(), options).value();
  }
  std::filesystem::path key_file() const { return folder_.path() / "keys" / (hex(owner().keys()) + ".keys"); }
  std::string key_path() const { return "/v2/models/small/keys/" + hex(owner().keys()); }

  /// The JSON part of a right request.
  static std::string inference_json(size_t ciphertext_bytes = metadata().request_bytes()) {
    return write_inference_request({"an id", owner().keys(), metadata().model_digest, ciphertext_bytes});
  }

  static void expect_right(ByteView answer, std::span<const double> row, const Owner& key_owner = owner()) {
    const auto expected = forward(model().lower, row);
    const auto decrypted = key_owner.decrypted(answer);
    ASSERT_EQ(decrypted.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(decrypted[i], expected[i], metadata().plan.predicted_error) << "output " << i;
    }
  }

  static void expect_error(const std::optional<RawAnswer>& answer, ErrorCode code,
                           std::string_view about = "") {
    ASSERT_TRUE(answer.has_value()) << about;
    EXPECT_EQ(answer->status, http_status(code)) << about << answer->body;
    EXPECT_EQ(answer->error_code(), name(code)) << about << answer->body;
    EXPECT_EQ(answer->headers.at("content-type"), "application/json");
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

}  // namespace cryptotl
