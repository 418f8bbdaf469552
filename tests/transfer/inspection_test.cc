#include "cryptotl/transfer/inspection.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cryptotl/base/file.h"
#include "cryptotl/ckks/wire.h"
#include "cryptotl/network/onnx.h"
#include "cryptotl/service/machine_plan.h"
#include "cryptotl/transfer/head_file.h"
#include "cryptotl/transfer/input_encryption.h"
#include "transfer/small_world.h"

namespace cryptotl {
namespace {

class InspectionTest : public testing::Test {
 protected:
  ErrorCode code(const std::string& name) const {
    const auto json = inspect(path(name));
    return json.ok() ? ErrorCode::internal : json.error().code();
  }
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  nlohmann::json look(const std::string& name) const { return inspect(path(name)).value(); }
  TemporaryFolder folder_ = test_folder();
  Model model_ = small_model();
  ModelMetadata metadata_ = metadata_of(model_);
};

TEST_F(InspectionTest, RefusesWhatIsNoneOfOurs) {
  EXPECT_EQ(code("missing"), ErrorCode::not_found);
  std::filesystem::create_directory(path("folder"));
  EXPECT_EQ(code("folder"), ErrorCode::malformed);
  write_text(path("text"), "hello");
  EXPECT_EQ(code("text"), ErrorCode::malformed);
  write_text(path("empty"), "");
  EXPECT_NE(code("empty"), ErrorCode::internal);
}

TEST_F(InspectionTest, RefusesATruncatedObjectByItsLength) {
  const ClientKeys keys = ClientKeys::generate(metadata_);
  const std::vector<int64_t> zeros(metadata_.params->n());
  const Bytes bytes = write_ciphertext(encrypt(keys.secret(), zeros, 1 << 20, 5));
  for (const size_t size : {size_t{10}, kHeaderBytes, bytes.size() - 1}) {
    write_file(path("ciphertext"), ByteView(bytes).first(size)).value();
    EXPECT_EQ(code("ciphertext"), ErrorCode::malformed) << size;
  }
  write_file(path("ciphertext"), bytes).value();
  EXPECT_EQ(look("ciphertext").at("kind"), "ciphertext");
  EXPECT_EQ(look("ciphertext").at("params_id"), hex(metadata_.params->id()));
  EXPECT_EQ(look("ciphertext").at("key_id"), hex(keys.secret().id()));
}

TEST_F(InspectionTest, ShowsWhatKindAnAnswerIs) {
  const ClientKeys keys = ClientKeys::generate(metadata_);
  const std::vector<int64_t> zeros(metadata_.params->n());
  const Bytes bytes = write_answer(modulus_switch(encrypt(keys.secret(), zeros, 1 << 30, 2), 40, 4));
  write_file(path("answer"), bytes).value();
  EXPECT_EQ(look("answer").at("kind"), "answer");
  EXPECT_EQ(look("answer").at("key_id"), hex(keys.secret().id()));
}

TEST_F(InspectionTest, ShowsAModelWithThePlanOfAServerHereAndTheSecurityOfItsParameters) {
  save_model(path("model"), model_).value();
  const LatencyPlan plan =
      plan_for_machine(fold(model_.lower).value(), model_.calibration, {.speeds = machine_speeds()}).value();
  const nlohmann::json json = look("model");
  EXPECT_EQ(json.at("kind"), "model");
  EXPECT_EQ(json.at("digest"), hex(model_digest(model_)));
  EXPECT_EQ(json.at("predicted_error"), plan.predicted_error);
  const nlohmann::json& parameters = json.at("parameters");
  EXPECT_NEAR(parameters.at("log_q").get<double>() + parameters.at("log_p").get<double>(),
              parameters.at("log_qp").get<double>(), 1e-9);
  EXPECT_EQ(parameters.at("log_qp_bound"), 214);
  EXPECT_GT(parameters.at("log_qp_margin").get<double>(), 0);
}

TEST_F(InspectionTest, ShowsAKeyFolderWithoutItsSecret) {
  const ClientKeys keys = ClientKeys::generate(metadata_);
  keys.save(path("keys"), false).value();
  const nlohmann::json json = look("keys");
  EXPECT_EQ(json.at("kind"), "key folder");
  EXPECT_EQ(json.at(kSecretKeyFile).at("key_id"), hex(keys.secret().id()));
  EXPECT_EQ(json.at(kEvaluationKeyFile).at("kind"), "evaluation keys");
  EXPECT_LT(json.dump().size(), 4000u);  // a secret of 8192 coefficients would not fit
}

TEST_F(InspectionTest, ShowsWhatDevicesTakeAndMake) {
  const ClientKeys keys = ClientKeys::generate(metadata_);
  keys.save(path("keys"), false).value();
  const std::string print = hex(keys.public_key_fingerprint().value());
  EXPECT_EQ(look("keys").at(kPublicKeyFile).at("fingerprint"), print);
  EXPECT_EQ(look("keys/public.key").at("kind"), "public key");
  EXPECT_EQ(look("keys/public.key").at("fingerprint"), print);
  EXPECT_EQ(look("keys/plan.json").at("kind"), "plan");
  EXPECT_EQ(look("keys/plan.json").at("model_digest"), hex(metadata_.model_digest));
  const Examples rows{"rows", uniform_matrix(3, kSmallInputs, 1), metadata_.embedder, false, {}};
  encrypt_inputs(metadata_, read_public_key_file(path("keys/public.key"), metadata_.params).value(), rows,
                 path("inputs"));
  const nlohmann::json inputs = look("inputs");
  EXPECT_EQ(inputs.at("kind"), "encrypted inputs");
  EXPECT_EQ(inputs.at("inputs"), 3);
  EXPECT_EQ(inputs.at("key_id"), hex(keys.secret().id()));
  EXPECT_EQ(inputs.at("public_key_fingerprint"), print);
  EXPECT_EQ(inputs.at("model_digest"), hex(metadata_.model_digest));
  EXPECT_EQ(inputs.at("plan_digest"), look("keys/plan.json").at("plan_digest"));
  std::filesystem::resize_file(path("inputs"), std::filesystem::file_size(path("inputs")) - 1);
  EXPECT_EQ(code("inputs"), ErrorCode::malformed);
}

TEST_F(InspectionTest, TellsAHeadFromAPlainNetwork) {
  TrainedHead head;
  head.head.kind = HeadKind::linear;
  head.head.network = {3, {dense_of_uniform_numbers(1, 3, 1), Sigmoid{}}};
  head.labels = {"a", "b"};
  head.feature_width = 3;
  Bytes bytes = write_head(head).value();
  write_file(path("head"), bytes).value();
  EXPECT_EQ(look("head").at("kind"), "head");
  EXPECT_EQ(look("head").at("labels"), head.labels);
  write_file(path("network"), write_onnx(head.head.network).value()).value();
  EXPECT_EQ(look("network").at("kind"), "network");
  bytes[bytes.size() / 2] ^= 1;
  write_file(path("flipped"), bytes).value();
  EXPECT_EQ(code("flipped"), ErrorCode::malformed);
}

}  // namespace
}  // namespace cryptotl
