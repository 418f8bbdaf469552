#include <cstdlib>

#include "service/served.h"

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

  /// A right request of one kind or another, with some of its parts changed, and ends that fit or do not.
  std::string mutant(const std::string& ciphertext, Generator& generator) const {
    const std::string json = inference_json();
    const auto body = [&](const std::string& json_part) {
      return inference_text("small", json_part, as_bytes(ciphertext));
    };
    switch (generator() % 8) {
      case 0:  // the head
        return changed_bytes(body(json), 200, generator);
      case 1:  // the JSON part, with lengths that fit again
        return body(changed_bytes(json, json.size(), generator));
      case 2: {  // the ciphertext
        const std::string bad = changed_bytes(ciphertext, ciphertext.size(), generator);
        return inference_text("small", json, as_bytes(bad));
      }
      case 3:  // its header
        return inference_text("small", json,
                              as_bytes(changed_bytes(ciphertext, kHeaderBytes + 50, generator)));
      case 4:  // a GET
        return changed_bytes(request_text("GET", key_path()), 200, generator);
      case 5:  // an upload of something
        return changed_bytes(request_text("PUT", key_path(), json), 300, generator);
      case 6:  // a part of a request
        return body(json).substr(0, generator() % 400);
      default:  // a part of one, twice
        return body(json).substr(0, 100 + generator() % 100) +
               body(json).substr(generator() % 100, generator() % 1000);
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
      const auto right = sane.infer(input, owner().keys());
      ASSERT_TRUE(right.ok()) << right.error().what();
      expect_right(right->ciphertext, rows().row(0));
    }
  }
  for (const auto& [status, count] : statuses) std::printf("status %d: %zu\n", status, count);
  EXPECT_GT(statuses[400], cases() / 2);
}

}  // namespace
}  // namespace cryptotl
