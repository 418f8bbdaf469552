#include <thread>

#include "cryptotl/base/file.h"
#include "service/batch_message.h"
#include "service/batch_owner.h"

namespace cryptotl {
namespace {

using namespace std::chrono_literals;

/// Batches over real sockets: what is right, what is refused, and what is held afterwards.
class BatchTest : public Served {
 protected:
  /// Nothing is done in idle time unless a test asks for it, and runners are let go of at once.
  ServerOptions options() const {
    ServerOptions out = Served::options();
    out.limits.batch_runner_time = 0ms;
    out.limits.batch_cache_bytes = 0;
    out.limits.idle_time = 500ms;
    out.limits.body_grace = 1000ms;
    out.limits.linger_time = 500ms;
    return out;
  }
  void start() { Served::start(options()); }
  void start(const ServerOptions& chosen) { Served::start(chosen); }
  BatchMetadata offer() const { return server_->metadata().batches.back(); }

  static Matrix rows(size_t count, uint64_t seed = 5) {
    return uniform_rows(count, model().lower.input_width, seed);
  }
  static Matrix expected(const Matrix& rows) { return forward(fold(model().lower).value(), rows); }
  void expect_features(const Matrix& features, const Matrix& wanted) const {
    ASSERT_EQ(features.values.size(), wanted.values.size());
    for (size_t i = 0; i < wanted.values.size(); ++i)
      ASSERT_NEAR(features.values[i], wanted.values[i], offer().plan.predicted_error) << "value " << i;
  }
  static std::string epoch_path(const BatchMetadata& offer, uint64_t epoch) {
    return "/v2/models/small/batches/" + std::to_string(offer.plan.samples()) + "/" + std::to_string(epoch) +
           "/";
  }
  std::string keys_path(const BatchOwner& owner) const {
    return epoch_path(owner.metadata, owner.metadata.epoch) + hex(owner.name);
  }
  std::string batch_path(const BatchOwner& owner, uint64_t number) const {
    return keys_path(owner) + "/" + std::to_string(number);
  }
  std::optional<RawAnswer> post(const BatchOwner& owner, uint64_t number, ByteView body) const {
    return send_once(*server_, request_text("POST", batch_path(owner, number), as_text(body)));
  }
  std::string post_head(const BatchOwner& owner, uint64_t number, size_t length) const {
    return "POST " + batch_path(owner, number) + " HTTP/1.1\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  }
  BatchOwner uploaded() {
    BatchOwner owner(offer());
    client().upload_batch_keys(owner.metadata, owner.keys).value();
    return owner;
  }
  /// No runner is left, a moment after the last batch has gone.
  void expect_nothing_held() {
    for (int i = 0; i < 200 && client().batch_state().value().runner_bytes > 0; ++i)
      std::this_thread::sleep_for(20ms);
    EXPECT_EQ(client().batch_state().value().runner_bytes, 0u);
  }
  void expect_still_right() {
    BatchOwner owner = uploaded();
    const Matrix some = rows(3);
    const EncryptedBatch batch = owner.encrypted(some);
    Matrix features(3, offer().plan.output_width());
    client().run_batch(offer(), owner.exchange(batch, features)).value();
    expect_features(features, expected(some));
  }
};

TEST_F(BatchTest, ABatchComesBackRightRowByRow) {
  start();
  ServiceClient network = client();
  BatchOwner owner = uploaded();
  const Matrix some = rows(100);
  const EncryptedBatch batch = owner.encrypted(some);
  Matrix features(100, offer().plan.output_width());
  BatchExchange exchange = owner.exchange(batch, features);
  std::vector<size_t> steps;
  exchange.progress = [&](size_t done, size_t total) {
    steps.push_back(done);
    EXPECT_EQ(total, offer().plan.input_width() + offer().plan.output_width());
  };
  const BatchTimes times = network.run_batch(offer(), exchange).value();
  expect_features(features, expected(some));
  EXPECT_EQ(steps.size(), offer().plan.input_width() + offer().plan.output_width());
  EXPECT_TRUE(std::ranges::is_sorted(steps));
  EXPECT_EQ(times.matrix_ms.size(), 2u);
  EXPECT_NEAR(times.server_ms,
              times.read_ms + times.matrix_ms[0] + times.matrix_ms[1] + times.activation_ms + times.answer_ms,
              1e-6 * times.server_ms);
  EXPECT_FALSE(times.prepared);
  expect_nothing_held();
}

TEST_F(BatchTest, ManyBatchesUnderOneKey) {
  start();
  ServiceClient network = client();
  BatchOwner owner = uploaded();
  for (uint64_t round = 0; round < 3; ++round) {
    const Matrix some = rows(10, round);
    const EncryptedBatch batch = owner.encrypted(some);
    Matrix features(10, offer().plan.output_width());
    network.run_batch(offer(), owner.exchange(batch, features)).value();
    expect_features(features, expected(some));
  }
}

TEST_F(BatchTest, TheSameBytesAreAnsweredAgainAndOthersRefused) {
  start();
  BatchOwner owner = uploaded();
  const Matrix some = rows(4);
  const EncryptedBatch batch = owner.encrypted(some);
  const Bytes body = owner.body(batch);
  const auto first = post(owner, 0, body);
  const auto second = post(owner, 0, body);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(second->status, 200);
  EXPECT_EQ(first->body.size(), offer().response_bytes() + kBatchTailBytes);
  // Masks that differed could be averaged away. Of the tail, which tells times, the rest may differ.
  EXPECT_TRUE(first->body.substr(0, offer().response_bytes()) ==
              second->body.substr(0, offer().response_bytes()));
  const auto got = owner.decrypted(as_bytes(first->body).first(offer().answer_row_bytes()));
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], expected(some)(i, 0), offer().plan.predicted_error);

  // The same number for another batch, as a copy of the key would use it.
  EncryptedBatch other = owner.encrypted(rows(4, 6));
  Bytes forged;
  for (size_t i = 0; i < other.rows(); ++i) {
    BatchRow place = other.place(i);
    place.number = 0;
    const Bytes one = write_batch_row(*offer().params, owner.key.secret().id(), place, other.row(i));
    forged.insert(forged.end(), one.begin(), one.end());
  }
  const auto refused = post(owner, 0, forged);
  expect_error(refused, ErrorCode::parameter_mismatch);
  EXPECT_THAT(refused->body, testing::HasSubstr("one number serves one batch"));
  EXPECT_EQ(post(owner, 0, body)->status, 200) << "the first one still stands";
  expect_nothing_held();
}

TEST_F(BatchTest, RefusesRowsThatDoNotBelong) {
  start();
  BatchOwner owner = uploaded();
  BatchOwner stranger = uploaded();
  const EncryptedBatch batch = owner.encrypted(rows(4));
  const EncryptedBatch theirs = stranger.encrypted(rows(4));
  const Bytes body = owner.body(batch);
  const size_t row = offer().row_bytes();

  expect_error(post(owner, 1, body), ErrorCode::parameter_mismatch, "under another number");
  expect_error(post(owner, 0, stranger.body(theirs)), ErrorCode::parameter_mismatch, "of another key");
  Bytes swapped(body.begin() + static_cast<ptrdiff_t>(row), body.end());
  swapped.insert(swapped.end(), body.begin(), body.begin() + static_cast<ptrdiff_t>(row));
  const auto answer = post(owner, 0, swapped);
  expect_error(answer, ErrorCode::parameter_mismatch, "in another order");
  EXPECT_THAT(answer->body, testing::HasSubstr("row 0:"));
  Bytes damaged = body;
  damaged[3 * row + 5000] ^= 1;
  const auto named = post(owner, 0, damaged);
  expect_error(named, ErrorCode::malformed, "damaged");
  EXPECT_THAT(named->body, testing::HasSubstr("row 3:"));
  BatchOwner other_seed(offer(), batch_seed(offer().seed, 1));
  client().upload_batch_keys(offer(), other_seed.keys).value();
  const EncryptedBatch elsewhere = other_seed.encrypted(rows(4));
  expect_error(post(other_seed, 0, other_seed.body(elsewhere)), ErrorCode::parameter_mismatch,
               "another seed");
  expect_error(send_once(*server_, post_head(owner, kBatchesAKeySet, body.size())), ErrorCode::too_large,
               "a number beyond the bound");
  expect_error(send_once(*server_, request_text("POST", keys_path(owner) + "/one", "x")),
               ErrorCode::malformed);
  EXPECT_EQ(post(owner, 0, body)->status, 200) << "and what is right is answered";
  expect_nothing_held();
}

TEST_F(BatchTest, RefusesOtherLengthsBeforeItTakesAnything) {
  start();
  BatchOwner owner = uploaded();
  const size_t right = offer().request_bytes();
  RawClient more(*server_);
  more.send(post_head(owner, 0, right + offer().row_bytes()));
  expect_error(more.receive(2s), ErrorCode::too_large, "more rows than announced");
  RawClient fewer(*server_);
  fewer.send(post_head(owner, 0, right - offer().row_bytes()));
  expect_error(fewer.receive(2s), ErrorCode::malformed, "fewer rows");
  RawClient huge(*server_);
  huge.send(post_head(owner, 0, size_t{1} << 60));
  expect_error(huge.receive(2s), ErrorCode::too_large, "far too many");
  RawClient keys(*server_);
  keys.send("PUT " + keys_path(owner) + " HTTP/1.1\r\nContent-Length: 17\r\n\r\n");
  expect_error(keys.receive(2s), ErrorCode::malformed, "keys of another length");
  EXPECT_EQ(client().batch_state()->runner_bytes, 0u) << "no runner was made for any of it";
}

TEST_F(BatchTest, RefusesKeysThatAreUnknownDamagedOrOfAnotherEpoch) {
  start();
  BatchOwner owner(offer());
  const EncryptedBatch batch = owner.encrypted(rows(4));
  expect_error(post(owner, 0, owner.body(batch)), ErrorCode::missing_key);
  expect_error(send_once(*server_, request_text("GET", keys_path(owner))), ErrorCode::missing_key);
  Bytes damaged = owner.keys;
  damaged[1000] ^= 1;
  expect_error(send_once(*server_, request_text("PUT", keys_path(owner), as_text(damaged))),
               ErrorCode::malformed, "another digest than the path's");
  const std::string other = epoch_path(offer(), offer().epoch);
  expect_error(send_once(*server_, request_text("PUT", other + hex(digest(damaged)), as_text(damaged))),
               ErrorCode::malformed, "damaged");
  const std::string next = epoch_path(offer(), offer().epoch + 1);
  expect_error(send_once(*server_, request_text("PUT", next + hex(owner.name), as_text(owner.keys))),
               ErrorCode::parameter_mismatch, "another epoch");
  BatchOwner half(offer());
  Bytes mixed = owner.keys;
  std::copy_n(half.keys.begin(), evaluation_key_bytes(*offer().params, required_keys(offer().plan)),
              mixed.begin());
  expect_error(send_once(*server_, request_text("PUT", other + hex(digest(mixed)), as_text(mixed))),
               ErrorCode::parameter_mismatch, "keys of two secrets");
  EXPECT_EQ(client().batch_state()->key_bytes, 0u);
  EXPECT_EQ(send_once(*server_, request_text("PUT", keys_path(owner), as_text(owner.keys)))->status, 201);
  EXPECT_EQ(send_once(*server_, request_text("PUT", keys_path(owner), as_text(owner.keys)))->status, 201);
  EXPECT_EQ(send_once(*server_, request_text("GET", keys_path(owner)))->status, 200);
}

TEST_F(BatchTest, KeysAreForgottenAndDoNotComeBack) {
  ServerOptions chosen = options();
  chosen.limits.batch_key_sets = 1;
  start(chosen);
  const BatchOwner first = uploaded();
  const BatchOwner second = uploaded();
  EXPECT_EQ(send_once(*server_, request_text("GET", keys_path(second)))->status, 200);
  expect_error(send_once(*server_, request_text("GET", keys_path(first))), ErrorCode::missing_key);
  const auto again = client().upload_batch_keys(first.metadata, first.keys);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), ErrorCode::parameter_mismatch);

  chosen.limits.batch_keys_time = 0ms;
  start(chosen);
  const BatchOwner third = uploaded();
  expect_error(send_once(*server_, request_text("GET", keys_path(third))), ErrorCode::missing_key, "too old");
  EXPECT_EQ(client().batch_state()->key_bytes, 0u);
}

TEST_F(BatchTest, ATruncatedStreamIsRefusedAndTheSameBatchGoesOn) {
  start();
  BatchOwner owner = uploaded();
  const EncryptedBatch batch = owner.encrypted(rows(4));
  const Bytes body = owner.body(batch);
  RawClient broken(*server_);
  broken.send(post_head(owner, 0, body.size()));
  broken.send(as_text(ByteView(body).first(body.size() / 2)));
  broken.finish_sending();
  const auto answer = broken.receive();
  expect_error(answer, ErrorCode::malformed);
  EXPECT_THAT(answer->body, testing::HasSubstr("the body ends after"));
  expect_nothing_held();
  EXPECT_EQ(post(owner, 0, body)->status, 200);
}

TEST_F(BatchTest, AClientThatStopsSendingIsCutOff) {
  start();
  BatchOwner owner = uploaded();
  const Bytes body = owner.body(owner.encrypted(rows(4)));
  RawClient silent(*server_);
  silent.send(post_head(owner, 0, body.size()));
  silent.send(as_text(ByteView(body).first(body.size() / 2)));
  EXPECT_TRUE(silent.closed(10s));
  expect_nothing_held();
  expect_still_right();
}

/// 400 outputs: 26 MB of answers, which no socket buffers hold.
Model wide_model() {
  Model out = small_model();
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal(0.0, 0.2);
  Dense layer{Matrix(400, 24), std::vector<double>(400)};
  for (double& value : layer.weight.values) value = normal(generator);
  out.lower.layers.back() = layer;
  out.output_layer.reset();
  out.feature_mean.clear();
  out.feature_deviation.clear();
  out.calibration = calibrate(fold(out.lower).value(), uniform_rows(50, out.lower.input_width, 1));
  return out;
}

TEST_F(BatchTest, AClientThatStopsReadingIsCutOff) {
  server_ = Server::start(wide_model(), options()).value();
  BatchOwner owner = uploaded();
  const Bytes body = owner.body(owner.encrypted(rows(4)));
  RawClient deaf(*server_);
  deaf.send(request_text("POST", batch_path(owner, 0), as_text(body)));
  for (int i = 0; i < 200 && client().batch_state()->runner_bytes == 0; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_GT(client().batch_state()->runner_bytes, 0u);
  expect_nothing_held();
  EXPECT_TRUE(deaf.closed(10s));
}

TEST_F(BatchTest, WaitsForItsTurnAndRefusesWhatIsTooMany) {
  ServerOptions chosen = options();
  chosen.limits.idle_time = 5s;
  chosen.limits.body_grace = 5s;
  chosen.limits.waiting_batches = 0;
  start(chosen);
  BatchOwner owner = uploaded();
  const Bytes body = owner.body(owner.encrypted(rows(4)));
  RawClient holder(*server_);
  holder.send(post_head(owner, 0, body.size()));
  holder.send(as_text(ByteView(body).first(1000)));
  std::this_thread::sleep_for(100ms);
  RawClient second(*server_);
  second.send(post_head(owner, 0, body.size()));
  const auto refused = second.receive(2s);
  expect_error(refused, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused->headers.count("retry-after"), 1u);
  // A client of ours hears of it while it sends, and comes again.
  std::jthread release([&] {
    std::this_thread::sleep_for(300ms);
    holder.send(as_text(ByteView(body).subspan(1000)));
    EXPECT_EQ(holder.receive()->status, 200);
  });
  expect_still_right();
}

TEST_F(BatchTest, TheClientHearsARefusalInTheMiddleOfItsRows) {
  start();
  BatchOwner owner(offer());
  const EncryptedBatch batch = owner.encrypted(rows(4));
  Matrix features(4, offer().plan.output_width());
  const auto unknown = client().run_batch(offer(), owner.exchange(batch, features));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code(), ErrorCode::missing_key);
  client().upload_batch_keys(owner.metadata, owner.keys).value();
  BatchExchange wrong = owner.exchange(batch, features);
  wrong.number = 7;
  const auto refused = client().run_batch(offer(), wrong);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::parameter_mismatch);
}

TEST_F(BatchTest, WhatTheCallersFunctionsRefuseEndsTheExchange) {
  start();
  BatchOwner owner = uploaded();
  const EncryptedBatch batch = owner.encrypted(rows(4));
  Matrix features(4, offer().plan.output_width());
  ServiceClient network = client();
  BatchExchange exchange = owner.exchange(batch, features);
  exchange.row = [](size_t) -> Bytes { throw Error(ErrorCode::invalid_argument, "no such row"); };
  EXPECT_EQ(network.run_batch(offer(), exchange).error().code(), ErrorCode::invalid_argument);
  exchange = owner.exchange(batch, features);
  exchange.take_answer = [](size_t row, ByteView) -> Status {
    return row < 2 ? Status() : Error(ErrorCode::malformed, "no answer of ours");
  };
  EXPECT_EQ(network.run_batch(offer(), exchange).error().code(), ErrorCode::malformed);
  network.run_batch(offer(), owner.exchange(batch, features)).value();
  expect_nothing_held();
}

TEST_F(BatchTest, WorksAheadInIdleTimeAndReplacesDamagedFiles) {
  ServerOptions chosen = options();
  chosen.limits.batch_quiet_time = 50ms;
  chosen.limits.batch_cache_bytes = size_t{1} << 30;
  start(chosen);
  const auto wait = [&] {
    for (int i = 0; i < 500 && client().batch_state()->waiting > 0; ++i) std::this_thread::sleep_for(20ms);
  };
  const auto run = [&]() -> bool {
    BatchOwner owner = uploaded();
    const Matrix some = rows(3);
    const EncryptedBatch batch = owner.encrypted(some);
    Matrix features(3, offer().plan.output_width());
    const BatchTimes times = client().run_batch(offer(), owner.exchange(batch, features)).value();
    expect_features(features, expected(some));
    return times.prepared;
  };
  EXPECT_FALSE(run());
  wait();
  EXPECT_EQ(client().batch_state()->prepared, 1u);
  EXPECT_TRUE(run());
  const std::filesystem::path folder = chosen.key_store / "batches";
  const auto file = *std::filesystem::directory_iterator(folder);
  Bytes bytes = read_file(file.path()).value();
  bytes.back() ^= 1;
  write_file(file.path(), bytes).value();
  EXPECT_FALSE(run()) << "a damaged file is not used";
  wait();
  EXPECT_TRUE(run()) << "and is made again";
  server_.reset();
  start(chosen);
  EXPECT_TRUE(run()) << "files outlive the server";
  server_.reset();
  chosen.batches.epoch = 3;
  start(chosen);
  EXPECT_EQ(client().batch_state()->prepared, 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "those of another epoch are removed";
}

/// The paper's folded network, 768-768-766.
Model full_model() {
  std::mt19937_64 generator(11);
  std::normal_distribution<double> normal(0.0, 1 / std::sqrt(768.0));
  const auto dense = [&](size_t rows) {
    Dense layer{Matrix(rows, 768), std::vector<double>(rows)};
    for (double& value : layer.weight.values) value = normal(generator);
    for (double& value : layer.bias) value = normal(generator);
    return layer;
  };
  Model out;
  out.name = "small";
  out.lower = {768, {dense(768), kPaperCubic, dense(766)}};
  out.scaler = {std::vector<double>(768, 0.0), std::vector<double>(768, 1.0)};
  out.embedder = external_embedder("some-embedder", 768);
  out.calibration = calibrate(fold(out.lower).value(), uniform_rows(50, 768, 1));
  return out;
}

/// What takes a minute under sanitizers: arithmetic that the small networks above go through, too.
class PapersBatches : public BatchTest {};

TEST_F(PapersBatches, ComeBackRightWhenTheyAreFull) {
  const Model model = full_model();
  server_ = Server::start(model, options()).value();
  BatchOwner owner = uploaded();
  const Matrix some = uniform_rows(offer().plan.samples(), 768, 8);
  const EncryptedBatch batch = owner.encrypted(some);
  Matrix features(some.rows, 766);
  client().run_batch(offer(), owner.exchange(batch, features)).value();
  // Some samples from all over.
  std::vector<size_t> chosen;
  for (size_t i = 0; i < some.rows; i += 271) chosen.push_back(i);
  expect_features(take_rows(features, chosen), forward(model.lower, take_rows(some, chosen)));
  const BatchMetadata metadata = offer();
  EXPECT_LE(metadata.request_bytes() / some.rows, 16u << 10);
  EXPECT_LE(metadata.response_bytes() / some.rows, 8u << 10);
  expect_nothing_held();
}

TEST_F(PapersBatches, TakeTurnsOnOneRunnerWhenTheyAreSmall) {
  const Model model = full_model();
  server_ = Server::start(model, options()).value();
  const std::vector<BatchMetadata> kinds = server_->metadata().batches;
  ASSERT_GE(kinds.size(), 3u);
  size_t largest_runner = 0;
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_LT(kinds[i].batch_milliseconds, 0.9 * kinds[i + 1].batch_milliseconds);
    BatchOwner owner(kinds[i]);
    ServiceClient network = client();
    network.upload_batch_keys(owner.metadata, owner.keys).value();
    const Matrix some = uniform_rows(owner.metadata.plan.samples() - 1, 768, i);
    const EncryptedBatch batch = owner.encrypted(some);
    Matrix features(some.rows, 766);
    const BatchTimes times = network.run_batch(owner.metadata, owner.exchange(batch, features)).value();
    EXPECT_FALSE(times.prepared);
    const Matrix wanted = forward(model.lower, some);
    for (size_t j = 0; j < wanted.values.size(); ++j)
      ASSERT_NEAR(features.values[j], wanted.values[j], owner.metadata.plan.predicted_error) << "value " << j;
    largest_runner = std::max(largest_runner, network.batch_state()->runner_bytes);
  }
  EXPECT_LT(largest_runner, size_t{600} << 20) << "one runner and its program";
  expect_nothing_held();
}

TEST_F(BatchTest, NamesTheKindsThatThereAreWhereAnotherIsAskedFor) {
  start();
  const std::string path =
      "/v2/models/small/batches/777/" + std::to_string(offer().epoch) + "/" + hex(Digest{}) + "/0";
  expect_error(send_once(*server_, request_text("POST", path, "x")), ErrorCode::not_found, "777");
  expect_error(send_once(*server_, request_text("GET", "/v2/models/small/batches/x/1/" + hex(Digest{}))),
               ErrorCode::malformed, "number of samples");
}

TEST_F(BatchTest, OffersNoneWhereNoneAreWanted) {
  ServerOptions chosen = options();
  chosen.batches.offer = false;
  start(chosen);
  EXPECT_TRUE(server_->metadata().batches.empty());
  EXPECT_TRUE(client().metadata().batches.empty());
  expect_error(send_once(*server_, request_text("GET", "/v2/models/small/batches")), ErrorCode::not_found);
  EXPECT_EQ(client().refresh_batches().error().code(), ErrorCode::not_found);
}

TEST_F(BatchTest, AFixedEpochDecidesTheSeed) {
  ServerOptions chosen = options();
  chosen.batches.epoch = 11;
  start(chosen);
  EXPECT_EQ(offer().epoch, 11u);
  EXPECT_EQ(offer().seed, batch_seed(metadata().model_digest, 11));
  EXPECT_EQ(client().metadata().batches.back().seed, offer().seed);
  expect_still_right();
}

TEST_F(BatchTest, ATrustingServersAnswersAreThoseOfTheRunnerAlone) {
  ServerOptions chosen = options();
  chosen.batches.trusting = true;
  start(chosen);
  BatchOwner owner = uploaded();
  const Bytes body = owner.body(owner.encrypted(rows(4)));
  const auto first = post(owner, 0, body);
  const auto second = post(owner, 0, body);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->body.substr(0, offer().response_bytes()),
            second->body.substr(0, offer().response_bytes()));
}

}  // namespace
}  // namespace cryptotl
