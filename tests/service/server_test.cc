#include "cryptotl/service/server.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "cryptotl/base/file.h"
#include "service/served.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

/// Routes, answers and refusals, at the byte level.
class ServerTest : public Served {
 protected:
  std::optional<RawAnswer> get(const std::string& path) {
    return send_once(*server_, request_text("GET", path));
  }
  std::optional<RawAnswer> put_keys(ByteView keys) {
    return send_once(*server_,
                     request_text("PUT", "/v2/models/small/keys/" + hex(digest(keys)), as_text(keys)));
  }
  std::optional<RawAnswer> infer(std::string_view json, ByteView ciphertext) {
    return send_once(*server_, inference_text("small", json, ciphertext));
  }
};

TEST_F(ServerTest, RefusesToTrustClientsFromWhomItShallHideItsNetwork) {
  ServerOptions both = options();
  both.trusting = true;
  both.plan.precision = 1e-2;
  both.plan.privacy = {40, 10};
  const auto started = Server::start(model(), both);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), ErrorCode::invalid_argument);
}

TEST_F(ServerTest, RefusesToListenBeyondLoopback) {
  for (const char* const listen : {"0.0.0.0:0", "192.168.0.1:80", "[::]:0", "example.org:80", "8.8.8.8:53"}) {
    ServerOptions bad = options();
    bad.listen = listen;
    const auto started = Server::start(model(), bad);
    ASSERT_FALSE(started.ok()) << listen;
    EXPECT_EQ(started.error().code(), ErrorCode::insecure_parameters) << listen;
  }
}

TEST_F(ServerTest, RefusesAddressesThatAreNone) {
  for (const char* const listen : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":80",
                                   "::1:80", "[127.0.0.1]:80", "127.0.0.1:-1", "a b:80"}) {
    ServerOptions bad = options();
    bad.listen = listen;
    const auto started = Server::start(model(), bad);
    ASSERT_FALSE(started.ok()) << listen;
    EXPECT_EQ(started.error().code(), ErrorCode::invalid_argument) << listen;
  }
}

TEST_F(ServerTest, RefusesAPortThatIsTaken) {
  start();
  ServerOptions same = options();
  same.listen = server_->url().substr(std::string("http://").size());
  const auto second = Server::start(model(), same);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::resource_exhausted);
}

TEST_F(ServerTest, RefusesUnknownRoutesModelsAndMethods) {
  start();
  for (const char* const path :
       {"/", "/v1", "/v2/models", "/v2/models/", "/v2/models/other", "/v2/models/other/ready",
        "/v2/models/small/infer", "/v2/models/small/keys", "/v2/health", "/v2/models/small/../small"}) {
    expect_error(get(path), ErrorCode::not_found, path);
  }
  for (const char* const path : {"/", "/v2/models/other/infer", "/v2/models/small", "/v2/health/live"}) {
    expect_error(send_once(*server_, request_text("POST", path, "x")), ErrorCode::not_found, path);
    expect_error(send_once(*server_, request_text("PUT", path, "x")), ErrorCode::not_found, path);
  }
  expect_error(send_once(*server_, request_text("DELETE", key_path())), ErrorCode::malformed);
}

TEST_F(ServerTest, TellsWhatItServes) {
  start();
  EXPECT_EQ(get("/v2/health/live")->status, 200);
  EXPECT_EQ(get("/v2/health/ready")->status, 200);
  EXPECT_EQ(get("/v2/models/small/ready")->status, 200);
  const Json server = Json::parse(get("/v2")->body);
  EXPECT_EQ(server["name"], "cryptotl");
  EXPECT_THAT(server["extensions"], testing::Contains("binary_tensor_data"));
  const auto model_answer = get("/v2/models/small");
  const auto parsed = ModelMetadata::from_json(Json::parse(model_answer->body));
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  EXPECT_EQ(parsed->model_digest, model_digest(model()));
  const auto head = send_once(*server_, request_text("HEAD", "/v2/models/small"), true);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->headers.at("content-length"), std::to_string(model_answer->body.size()));
}

TEST_F(ServerTest, RefusesKeysThatAreNotWhatTheirNameOrThePlanSays) {
  start();
  const Bytes& good = owner().evaluation_keys;
  const auto under = [&](const std::string& name, std::string_view body) {
    return send_once(*server_, request_text("PUT", "/v2/models/small/keys/" + name, body));
  };
  expect_error(under("short", as_text(good)), ErrorCode::malformed);
  expect_error(under(std::string(64, 'A'), as_text(good)), ErrorCode::malformed);
  expect_error(under(std::string(64, 'a'), as_text(good)), ErrorCode::malformed);
  expect_error(put_keys(ByteView(good).first(good.size() - 1)), ErrorCode::malformed);
  expect_error(put_keys({}), ErrorCode::malformed);
  Bytes longer = good;
  longer.push_back(0);
  expect_error(put_keys(longer), ErrorCode::too_large);
  // Right name and length, wrong contents: a flipped byte here and there.
  for (size_t i = 0; i < good.size(); i += 1 + good.size() / 40) {
    Bytes bad = good;
    bad[i] ^= 1;
    const auto answer = put_keys(bad);
    ASSERT_TRUE(answer.has_value());
    EXPECT_GE(answer->status, 400) << "byte " << i;
    EXPECT_LT(answer->status, 500) << "byte " << i;
    EXPECT_NE(answer->error_code(), "");
  }
  // Well-formed, of the right length, but for other rotations.
  auto requests = required_keys(metadata().plan);
  for (KeyRequest& request : requests) {
    if (request.galois_element != kRelinearisation)
      request.galois_element = (request.galois_element * 9) % 16384;
  }
  const Bytes others = write_key_set(make_evaluation_keys(owner().secret, requests), owner().public_key);
  ASSERT_EQ(others.size(), good.size());
  expect_error(put_keys(others), ErrorCode::parameter_mismatch);
  for (const auto& entry : std::filesystem::directory_iterator(options().key_store))
    EXPECT_EQ(entry.path().extension(), ".json") << "only the server's plan is there";
}

TEST_F(ServerTest, AnswersWhetherItHasKeys) {
  start();
  expect_error(get(key_path()), ErrorCode::missing_key);
  EXPECT_EQ(send_once(*server_, request_text("HEAD", key_path()), true)->status, 404);
  EXPECT_EQ(put_keys(owner().evaluation_keys)->status, 201);
  EXPECT_EQ(get(key_path())->status, 200);
  EXPECT_EQ(send_once(*server_, request_text("HEAD", key_path()), true)->status, 200);
  EXPECT_EQ(read_file(key_file()).value(), owner().evaluation_keys);
  EXPECT_EQ(put_keys(owner().evaluation_keys)->status, 201) << "sending them again changes nothing";
}

TEST_F(ServerTest, RefusesMoreKeysThanItsStoreMayHold) {
  ServerOptions tight = options();
  tight.limits.key_store_bytes = metadata().evaluation_key_bytes();
  start(tight);
  EXPECT_EQ(put_keys(owner().evaluation_keys)->status, 201);
  const auto second = put_keys(Owner(metadata()).evaluation_keys);
  expect_error(second, ErrorCode::resource_exhausted);
  EXPECT_EQ(second->headers.count("retry-after"), 1u);
  EXPECT_EQ(put_keys(owner().evaluation_keys)->status, 201) << "what is there already takes no more room";
}

TEST_F(ServerTest, RefusesInferenceRequestsThatAreNotRight) {
  start();
  const Bytes input = owner().encrypted(rows().row(0));
  expect_error(infer(inference_json(), input), ErrorCode::missing_key);
  ASSERT_EQ(put_keys(owner().evaluation_keys)->status, 201);

  Bytes longer = input;
  longer.push_back(0);
  expect_error(infer(inference_json(), longer), ErrorCode::malformed);
  longer.resize(metadata().public_request_bytes() + 1);  // one of a public key is the longest that there is
  expect_error(infer(inference_json(), longer), ErrorCode::too_large);
  expect_error(infer(inference_json(), ByteView(input).first(input.size() - 1)), ErrorCode::malformed);
  expect_error(infer("", input), ErrorCode::malformed);
  expect_error(infer("[]", input), ErrorCode::malformed);
  expect_error(infer(std::string(ServiceLimits().json_bytes + 1, ' '), input), ErrorCode::too_large);
  Json other = Json::parse(inference_json());
  other["inputs"][0]["parameters"]["binary_data_size"] = input.size() - 1;
  other["inputs"][0]["shape"][0] = input.size() - 1;
  expect_error(infer(other.dump(), input), ErrorCode::malformed);
  other = Json::parse(inference_json());
  other["parameters"]["model_digest"] = std::string(64, '0');
  expect_error(infer(other.dump(), input), ErrorCode::parameter_mismatch);
  const std::string body = inference_json().append(as_text(input));
  expect_error(send_once(*server_, request_text("POST", "/v2/models/small/infer", body)),
               ErrorCode::malformed);
  expect_error(
      send_once(*server_, request_text("POST", "/v2/models/small/infer", body,
                                       "Inference-Header-Content-Length: 99999999999999999999999\r\n")),
      ErrorCode::malformed);
}

TEST_F(ServerTest, RefusesCiphertextsOfAnotherKeyOrOtherParametersAndDamagedOnes) {
  start();
  ASSERT_EQ(put_keys(owner().evaluation_keys)->status, 201);
  const Owner stranger(metadata());
  expect_error(infer(inference_json(), stranger.encrypted(rows().row(0))), ErrorCode::parameter_mismatch);

  ParamsSpec spec = metadata().plan.params;
  std::swap(spec.primes[2], spec.primes[3]);
  const ParamsPtr params = Params::create(spec).value();
  const std::vector<int64_t> zeros(params->n());
  const Bytes foreign = write_ciphertext(
      encrypt(SecretKey::generate(params), zeros, metadata().plan.input_scale, metadata().plan.top_limbs()));
  ASSERT_EQ(foreign.size(), metadata().request_bytes());
  expect_error(infer(inference_json(), foreign), ErrorCode::parameter_mismatch);

  const std::vector<int64_t> row(params->n());
  const Bytes other_scale = write_ciphertext(
      encrypt(owner().secret, row, metadata().plan.input_scale * 2, metadata().plan.top_limbs()));
  expect_error(infer(inference_json(), other_scale), ErrorCode::parameter_mismatch);

  const Bytes good = owner().encrypted(rows().row(0));
  RawClient client(*server_);
  for (size_t i = 0; i < good.size(); i += i < kHeaderBytes + 64 ? 1 : 1 + good.size() / 50) {
    Bytes bad = good;
    bad[i] ^= 1;
    ASSERT_TRUE(client.send(inference_text("small", inference_json(), bad)));
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_GE(answer->status, 400) << "byte " << i;
    EXPECT_LT(answer->status, 500) << "byte " << i;
  }
}

TEST_F(ServerTest, RefusesPublicKeyInputsOfAnotherKeyDamagedOrNotWhole) {
  start();
  ASSERT_EQ(put_keys(owner().evaluation_keys)->status, 201);
  const size_t bytes = metadata().public_request_bytes();
  const Bytes good = owner().encrypted_public(rows().row(0));
  ASSERT_EQ(good.size(), bytes);
  const Owner stranger(metadata());
  expect_error(infer(inference_json(bytes), stranger.encrypted_public(rows().row(0))),
               ErrorCode::parameter_mismatch);
  Bytes bad = good;
  bad[bytes / 2] ^= 1;
  expect_error(infer(inference_json(bytes), bad), ErrorCode::malformed);
  expect_error(infer(inference_json(bytes), ByteView(good).first(bytes - 1)), ErrorCode::malformed);
  bad = good;
  bad.push_back(0);
  expect_error(infer(inference_json(bytes), bad), ErrorCode::too_large);
  // What the JSON part states is what follows, though both lengths are known.
  expect_error(infer(inference_json(), good), ErrorCode::malformed);
  expect_error(infer(inference_json(bytes), owner().encrypted(rows().row(0))), ErrorCode::malformed);
}

TEST_F(ServerTest, AnswersInputsOfThePublicKeyAsThoseOfTheSecretOne) {
  start();
  ServiceClient connected = client();
  ASSERT_TRUE(connected.upload_keys(owner().evaluation_keys).ok());
  for (size_t row = 0; row < 4; ++row) {
    const Bytes input =
        row % 2 == 0 ? owner().encrypted_public(rows().row(row)) : owner().encrypted(rows().row(row));
    expect_right(connected.infer(input, owner().keys()).value().ciphertext, rows().row(row));
  }
}

TEST_F(ServerTest, AnswersManyRequestsOnOneConnectionEvenWhenTheyComeAtOnce) {
  start();
  ASSERT_EQ(put_keys(owner().evaluation_keys)->status, 201);
  RawClient client(*server_);
  std::string all;
  for (size_t i = 0; i < 3; ++i) {
    all += inference_text("small", inference_json(), owner().encrypted(rows().row(i)));
    all += request_text("GET", "/v2/health/live");
  }
  ASSERT_TRUE(client.send(all));
  for (size_t i = 0; i < 3; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->status, 200) << answer->body;
    const size_t json_bytes = std::stoul(answer->headers.at("inference-header-content-length"));
    const Json json = Json::parse(answer->body.substr(0, json_bytes));
    EXPECT_EQ(json["id"], "an id");
    EXPECT_EQ(json["outputs"][0]["parameters"]["binary_data_size"], metadata().response_bytes());
    EXPECT_GT(json["parameters"]["server_ms"].get<double>(), 0);
    expect_right(as_bytes(std::string_view(answer->body).substr(json_bytes)), rows().row(i));
    EXPECT_EQ(client.receive()->status, 200);
  }
}

TEST_F(ServerTest, AnswersConcurrentClientsRightly) {
  ServerOptions wide = options();
  wide.concurrency = 2;
  start(wide);
  const Owner second(metadata());
  const Owner* const owners[] = {&owner(), &second};
  std::vector<std::thread> clients;
  for (size_t c = 0; c < 6; ++c) {
    clients.emplace_back([&, c] {
      const Owner& mine = *owners[c % 2];
      ServiceClient connection = client();
      const Digest keys = connection.upload_keys(mine.evaluation_keys).value();
      for (size_t i = 0; i < 8; ++i) {
        const auto row = rows().row((c + i) % rows().rows);
        const auto answer = connection.infer(mine.encrypted(row), keys).value();
        const auto expected = forward(model().lower, row);
        const auto decrypted = mine.decrypted(answer.ciphertext);
        for (size_t k = 0; k < expected.size(); ++k) {
          EXPECT_NEAR(decrypted[k], expected[k], metadata().plan.predicted_error);
        }
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
}

TEST_F(ServerTest, AnswersMoreRequestsThanMayWaitWith503) {
  ServerOptions narrow = options();
  narrow.limits.waiting_requests = 0;
  start(narrow);
  ASSERT_EQ(put_keys(owner().evaluation_keys)->status, 201);
  const std::string request = inference_text("small", inference_json(), owner().encrypted(rows().row(0)));
  std::atomic<int> answered = 0;
  std::atomic<int> busy = 0;
  std::vector<std::thread> clients;
  for (size_t c = 0; c < 12; ++c) {
    clients.emplace_back([&] {
      for (size_t i = 0; i < 6; ++i) {
        const auto answer = send_once(*server_, request);
        ASSERT_TRUE(answer.has_value());
        if (answer->status == 200) {
          ++answered;
        } else {
          ++busy;
          expect_error(answer, ErrorCode::resource_exhausted);
          EXPECT_EQ(answer->headers.at("retry-after"), "1");
        }
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_GT(answered, 0);
  EXPECT_GT(busy, 0);
}

TEST_F(ServerTest, KeepsNoMoreKeysInMemoryThanItMayAndStillServesThem) {
  ServerOptions tight = options();
  tight.limits.key_cache_bytes = 1;
  start(tight);
  const Owner second(metadata());
  ServiceClient connection = client();
  const Digest first_keys = connection.upload_keys(owner().evaluation_keys).value();
  const Digest second_keys = connection.upload_keys(second.evaluation_keys).value();
  for (size_t i = 0; i < 2; ++i) {
    expect_right(connection.infer(owner().encrypted(rows().row(i)), first_keys).value().ciphertext,
                 rows().row(i));
    EXPECT_TRUE(connection.infer(second.encrypted(rows().row(i)), second_keys).ok());
  }
}

TEST_F(ServerTest, StopsWhileClientsAreConnected) {
  start();
  ServiceClient connected = client();
  RawClient half(*server_);
  half.send("POST /v2/models/small/infer HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc");
  const auto begin = Clock::now();
  server_->stop();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
  const auto after = connected.has_keys(owner().keys());
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code(), ErrorCode::resource_exhausted);
}

}  // namespace
}  // namespace cryptotl
