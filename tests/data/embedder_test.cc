#include "cryptotl/data/embedder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "cryptotl/base/digest.h"

namespace cryptotl {
namespace {

using testing::Each;

double cosine(const std::string& a, const std::string& b) {
  const auto x = TextEmbedder::embed(a);
  const auto y = TextEmbedder::embed(b);
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

std::string bits_of(std::span<const double> values) {
  return hex(digest({reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()}));
}

TEST(TextEmbedder, HasAFixedIdentity) {
  const EmbedderIdentity identity = TextEmbedder::identity();
  EXPECT_EQ(identity.name, "cryptotl-hash-ngrams");
  EXPECT_EQ(identity.width, 768u);
  EXPECT_EQ(identity.digest, "f374f889904bbe7346500981218f5d96e2329f2214f20a4afdd5f9f922f9ce1c");
}

// The bits themselves: a model keeps no texts, so an embedder that changes unnoticed would spoil every model
// in use.
TEST(TextEmbedder, GivesTheSameBitsOnEveryMachine) {
  const std::vector<std::string> texts = {
      "",
      "Free entry! Text WIN to 80086 now, you don't want to miss it.",
      "Stra\xC3\x9F"
      "e, \xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80",
      std::string(1000, 'a') + " \t\r\n b b b b",
      std::string("broken \xFF\xC3 bytes\0here", 20),
  };
  EXPECT_EQ(bits_of(TextEmbedder::embed(texts).values),
            "cfeb2e5afe643fa257391de94f7a3adb8b306be2ccca15a23b883446fe229985");
}

TEST(TextEmbedder, GivesNormOne) {
  for (const std::string text : {"a", "hello world", "!", "the the the the the"}) {
    const auto vector = TextEmbedder::embed(text);
    EXPECT_EQ(vector.size(), TextEmbedder::kWidth);
    EXPECT_NEAR(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0), 1, 1e-12) << text;
  }
}

TEST(TextEmbedder, GivesZeroWhereNothingIsToBeSeen) {
  for (const std::string text : {"", " \t\r\n", "\xC2\xA0\xE3\x80\x80"})
    EXPECT_THAT(TextEmbedder::embed(text), Each(0.0));
}

TEST(TextEmbedder, IgnoresCaseAndSpaces) {
  EXPECT_EQ(TextEmbedder::embed("Hello  World"), TextEmbedder::embed(" hello\nworld "));
  EXPECT_EQ(TextEmbedder::embed("\xC3\x84RGER"), TextEmbedder::embed("\xC3\xA4rger"));
  EXPECT_EQ(TextEmbedder::embed("\xD0\x9F\xD0\xA0\xD0\x98"), TextEmbedder::embed("\xD0\xBF\xD1\x80\xD0\xB8"));
  EXPECT_NE(TextEmbedder::embed("ab"), TextEmbedder::embed("a b"));
  EXPECT_NE(TextEmbedder::embed("a b"), TextEmbedder::embed("b a"));
}

TEST(TextEmbedder, PutsSimilarTextsCloserThanDifferentOnes) {
  const std::string offer = "Win a free prize now, text WIN to claim your cash reward";
  const std::string similar = "Claim your free cash prize now! Text to win rewards";
  const std::string different = "The meeting moved to Thursday because the projector is broken";
  EXPECT_GT(cosine(offer, similar), 0.3);
  EXPECT_LT(std::abs(cosine(offer, different)), 0.2);
  EXPECT_GT(cosine("terribly disappointing service", "the service was a terrible disappointment"),
            cosine("terribly disappointing service", "the pizza crust had a lovely flavour") + 0.2);
}

TEST(TextEmbedder, EmbedsRowByRow) {
  const std::vector<std::string> texts = {"one", "two words", ""};
  const Matrix rows = TextEmbedder::embed(texts);
  ASSERT_EQ(rows.rows, 3u);
  ASSERT_EQ(rows.cols, TextEmbedder::kWidth);
  for (size_t r = 0; r < rows.rows; ++r) {
    EXPECT_TRUE(std::ranges::equal(rows.row(r), TextEmbedder::embed(texts[r])));
  }
}

TEST(EmbedderIdentity, TellsEveryFieldApart) {
  const EmbedderIdentity mpnet = external_embedder("all-mpnet-base-v2", 768);
  EXPECT_EQ(mpnet, external_embedder("all-mpnet-base-v2", 768));
  EXPECT_NE(mpnet, external_embedder("all-mpnet-base-v2", 384));
  EXPECT_NE(mpnet, external_embedder("all-mpnet-base-v1", 768));
  EXPECT_NE(mpnet, TextEmbedder::identity());
  EXPECT_EQ(mpnet.digest, hex(digest(as_bytes("all-mpnet-base-v2"))));
}

}  // namespace
}  // namespace cryptotl
