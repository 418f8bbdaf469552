#include <cstdlib>

#include "service/batch_owner.h"

namespace cryptotl {
namespace {

/// Random changes of right requests: whatever comes, the answer is a 4xx (or the right one, where the change
/// does not matter), and the server serves on.
class MutationTest : public Served {
 protected:
  using Generator = std::mt19937_64;

  static size_t cases() {
    const char* const wish = std::getenv("CRYPTOTL_MUTATIONS");
    return wish ? std::strtoul(wish, nullptr, 10) : 3000;
  }

  static std::string changed_bytes(std::string text, size_t among, Generator& generator) {
    const size_t changes = 1 + generator() % 8;
    for (size_t i = 0; i < changes && !text.empty(); ++i) {
      const size_t at = generator() % std::min(among, text.size());
      switch (generator() % 4) {
        case 0:
          text[at] = static_cast<char>(generator());
          break;
        case 1:
          text[at] ^= static_cast<char>(1u << (generator() % 8));
          break;
        case 2:
          text.insert(at, 1, static_cast<char>(generator()));
          break;
        default:
          text.erase(at, 1 + generator() % 4);
      }
    }
    return text;
  }

  /// Flipped bits in the payload's fields, or further on, that no digest gives away. A ciphertext gets
  /// another seed: with the one that it has the server's ledger would keep it from all that comes behind.
  static std::string resealed(const std::string& object, Generator& generator) {
    const ObjectHeader header = read_header(as_bytes(object)).value();
    Bytes payload(object.begin() + kHeaderBytes, object.end());
    constexpr size_t kSeed = 12;  // behind parts, limbs, flags and scale
    if (header.kind == ObjectKind::ciphertext) random_bytes(std::span(payload).subspan(kSeed, sizeof(Seed)));
    const size_t among = generator() % 2 == 0 ? 64 : payload.size();
    for (size_t i = 0; i <= generator() % 4; ++i) {
      payload[generator() % among] ^= static_cast<uint8_t>(1u << (generator() % 8));
    }
    const Bytes whole = write_object(header.kind, header.params_id, header.key_id, payload);
    return std::string(as_text(whole));
  }

  /// A right request of one kind or another, with some of its parts changed, and ends that fit or do not.
  std::string mutant(const std::string& ciphertext, Generator& generator) const {
    const std::string json = inference_json();
    const auto body = [&](const std::string& json_part, const std::string& ciphertext_part) {
      return inference_text("small", json_part, as_bytes(ciphertext_part));
    };
    switch (generator() % 10) {
      case 0:  // the head
        return changed_bytes(body(json, ciphertext), 200, generator);
      case 1:  // the JSON part, with lengths that fit again
        return body(changed_bytes(json, json.size(), generator), ciphertext);
      case 2:  // the ciphertext
        return body(json, changed_bytes(ciphertext, ciphertext.size(), generator));
      case 3:  // its header
        return body(json, changed_bytes(ciphertext, kHeaderBytes + 50, generator));
      case 4:  // a GET
        return changed_bytes(request_text("GET", key_path()), 200, generator);
      case 5:  // an upload of something
        return changed_bytes(request_text("PUT", key_path(), json), 300, generator);
      case 6:  // the ciphertext, with a digest that fits again
        return body(json, resealed(ciphertext, generator));
      case 7:  // an announcement of seeds
        return changed_bytes(request_text("POST", "/v2/models/small/tickets/" + hex(owner().keys()),
                                          std::string(64, static_cast<char>(generator()))),
                             300, generator);
      case 8:  // a part of a request
        return body(json, ciphertext).substr(0, generator() % 400);
      default:  // a part of one, twice
        return body(json, ciphertext).substr(0, 100 + generator() % 100) +
               body(json, ciphertext).substr(generator() % 100, generator() % 1000);
    }
  }
};

TEST_F(MutationTest, AnswersEveryMutantWith4xxAndServesOn) {
  start();
  ServiceClient sane = client();
  ASSERT_TRUE(sane.upload_keys(owner().evaluation_keys).ok());
  const Bytes input = owner().encrypted(rows().row(0));
  const std::string ciphertext(as_text(input));
  const uint64_t seed = 20240607;
  Generator generator(seed);
  std::map<int, size_t> statuses;
  for (size_t i = 0; i < cases(); ++i) {
    RawClient client(*server_);
    client.send(mutant(ciphertext, generator));
    client.finish_sending();
    const auto answer = client.receive();
    const int status = answer ? answer->status : 0;
    ++statuses[status];
    // Nothing at all is right where no byte of a request came.
    ASSERT_TRUE(status == 0 || status / 100 == 4 || status / 100 == 2)
        << "seed " << seed << " case " << i << " status " << status;
    if (answer && status / 100 == 4 && !answer->body.empty()) {
      ASSERT_NE(answer->error_code(), "") << answer->body;
    }
    if (i % 500 == 0) {
      const auto right = sane.infer(owner().encrypted(rows().row(0)), owner().keys());
      ASSERT_TRUE(right.ok()) << right.error().what();
      expect_right(right->ciphertext, rows().row(0));
    }
  }
  for (const auto& [status, count] : statuses) std::printf("status %d: %zu\n", status, count);
  EXPECT_GT(statuses[400], cases() / 2);
}

TEST_F(MutationTest, StoresNoMutantOfAKeySetThatItCannotUse) {
  start();
  Generator generator(7);
  const std::string whole(as_text(owner().evaluation_keys));
  const size_t uploads = 20 + cases() / 300;
  for (size_t i = 0; i < uploads; ++i) {
    const std::string bad = resealed(whole, generator);
    const Digest name = digest(as_bytes(bad));
    const auto answer = send_once(*server_, request_text("PUT", "/v2/models/small/keys/" + hex(name), bad));
    ASSERT_TRUE(answer.has_value());
    ASSERT_TRUE(answer->status == 201 || answer->status / 100 == 4) << i << ": " << answer->body;
    if (answer->status != 201) continue;
    // A changed residue makes other keys, with which the pass runs and computes nothing of use.
    const Bytes input = owner().encrypted(rows().row(0));
    const std::string json = write_inference_request({"", name, metadata().model_digest, input.size()});
    const auto passed = send_once(*server_, inference_text("small", json, input));
    ASSERT_TRUE(passed.has_value());
    EXPECT_EQ(passed->status, 200) << passed->body;
  }
}

/// Batches: a right one with something changed in its path, its rows' headers, their payloads or its length.
class BatchMutationTest : public MutationTest {
 protected:
  std::string path(const BatchOwner& owner, uint64_t number) const {
    return "/v2/models/small/batches/" + std::to_string(owner.metadata.plan.samples()) + "/" +
           std::to_string(owner.metadata.epoch) + "/" + hex(owner.name) + "/" + std::to_string(number);
  }

  std::string mutant(BatchOwner& owner, Generator& generator) const {
    const EncryptedBatch batch = owner.encrypted(uniform_rows(3, 20, generator()));
    const Bytes whole = owner.body(batch);
    std::string body(as_text(whole));
    const size_t row_bytes = owner.metadata.row_bytes();
    const size_t row = generator() % batch.rows();
    const auto post = [&](const std::string& where, const std::string& what) {
      return request_text("POST", where, what);
    };
    switch (generator() % 7) {
      case 0:  // the head
        return changed_bytes(post(path(owner, batch.number()), body), 180, generator);
      case 1:  // a row's header
        body.replace(row * row_bytes, kHeaderBytes,
                     changed_bytes(body.substr(row * row_bytes, kHeaderBytes), kHeaderBytes, generator));
        return post(path(owner, batch.number()), body);
      case 2:  // a row, with a digest that fits again
        body.replace(row * row_bytes, row_bytes,
                     resealed(body.substr(row * row_bytes, row_bytes), generator));
        return post(path(owner, batch.number()), body);
      case 3:  // a part of it
        return post(path(owner, batch.number()), body).substr(0, generator() % body.size());
      case 4:  // shorter or longer
        return post(path(owner, batch.number()), generator() % 2 ? body + "x" : body.substr(1));
      case 5:  // under another number
        return post(path(owner, batch.number() + 1 + generator() % 10), body);
      default:  // rows in another order, or one twice
        body.replace(row * row_bytes, row_bytes, body.substr(0, row_bytes));
        return post(path(owner, batch.number()), body);
    }
  }
};

TEST_F(BatchMutationTest, AnswersEveryMutantWith4xxAndHoldsNothingAfterwards) {
  ServerOptions chosen = options();
  chosen.limits.batch_runner_time = std::chrono::milliseconds(200);
  start(chosen);
  const BatchMetadata offer = server_->metadata().batches.back();
  ASSERT_EQ(offer.plan.input_width(), 20u);
  ServiceClient sane = client();
  BatchOwner owner(offer);
  sane.upload_batch_keys(offer, owner.keys).value();
  Generator generator(11);
  std::map<int, size_t> statuses;
  for (size_t i = 0; i < cases() / 50; ++i) {
    RawClient client(*server_);
    client.send(mutant(owner, generator));
    client.finish_sending();
    const auto answer = client.receive();
    const int status = answer ? answer->status : 0;
    ++statuses[status];
    ASSERT_TRUE(status == 0 || status / 100 == 4 || status == 200) << "case " << i << " status " << status;
    if (status / 100 == 4) {
      ASSERT_NE(answer->error_code(), "") << answer->body;
    }
  }
  EXPECT_GT(statuses[400] + statuses[409], cases() / 50 / 2);
  const Matrix some = uniform_rows(5, 20, 3);
  const EncryptedBatch batch = owner.encrypted(some);
  Matrix features(5, offer.plan.output_width());
  sane.run_batch(offer, owner.exchange(batch, features)).value();
  const Matrix expected = forward(fold(model().lower).value(), some);
  for (size_t i = 0; i < expected.values.size(); ++i)
    ASSERT_NEAR(features.values[i], expected.values[i], offer.plan.predicted_error);
  for (int i = 0; i < 200 && sane.batch_state()->runner_bytes > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(sane.batch_state()->runner_bytes, 0u);
}

}  // namespace
}  // namespace cryptotl
