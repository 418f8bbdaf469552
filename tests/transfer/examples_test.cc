#include "cryptotl/transfer/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transfer/small_world.h"

namespace cryptotl {
namespace {

using testing::HasSubstr;

constexpr const char* kNumbers = "1,2,yes\n3,4,no\n5,6,yes\n";
constexpr const char* kTexts = "text,label\nhello there,ham\ncheap pills,spam\n";

class ExamplesTest : public testing::Test {
 protected:
  Result<Examples> read(const std::string& content, const std::optional<std::string>& embedder = {},
                        bool expects_labels = true) {
    write_text(folder_.path() / "table", content);
    TableOptions options;
    options.expects_labels = expects_labels;
    return read_examples(folder_.path() / "table", options, embedder);
  }
  static std::string refusal(const Examples& examples, const EmbedderIdentity& model) {
    const Status status = require_embedder(examples, model);
    if (status.ok()) return "";
    EXPECT_EQ(status.error().code(), ErrorCode::parameter_mismatch);
    return status.error().what();
  }
  TemporaryFolder folder_ = test_folder();
};

TEST_F(ExamplesTest, TextsAreRefusedAsWorkForAnEmbedderThatIsNotHere) {
  const auto examples = read(kTexts, "all-mpnet-base-v2");
  ASSERT_FALSE(examples.ok());
  EXPECT_EQ(examples.error().code(), ErrorCode::parameter_mismatch);
  EXPECT_THAT(examples.error().what(), HasSubstr("examples/embed.py"));
}

TEST_F(ExamplesTest, NumbersOfAnotherWidthAreNotTheBuiltInEmbeddersWork) {
  const auto examples = read(kNumbers, TextEmbedder::identity().name);
  ASSERT_FALSE(examples.ok());
  EXPECT_THAT(examples.error().what(), HasSubstr("768"));
}

TEST_F(ExamplesTest, TextsAreRefusedForAModelOfSentenceEmbeddings) {
  const std::string why = refusal(read(kTexts).value(), external_embedder("all-mpnet-base-v2", 768));
  EXPECT_THAT(why, HasSubstr("examples/embed.py"));
  EXPECT_THAT(why, HasSubstr("--embedder all-mpnet-base-v2"));
}

TEST_F(ExamplesTest, NumbersOfWhichNothingIsSaidAreRefusedForAModelOfSentenceEmbeddings) {
  EXPECT_THAT(refusal(read(kNumbers).value(), external_embedder("all-mpnet-base-v2", 2)),
              HasSubstr("--embedder all-mpnet-base-v2"));
}

TEST_F(ExamplesTest, AnotherWidthIsRefusedAndAForgottenLabelColumnGuessed) {
  EXPECT_THAT(refusal(read(kNumbers, "x").value(), external_embedder("x", 7)),
              HasSubstr("the model takes 7"));
  EXPECT_THAT(refusal(read("1,2,3\n4,5,6\n", "x", false).value(), external_embedder("x", 2)),
              HasSubstr("--label"));
}

TEST_F(ExamplesTest, AnotherEmbedderOfTheSameNameIsRefused) {
  EmbedderIdentity other = external_embedder("x", 2);
  other.digest[0] = other.digest[0] == '0' ? '1' : '0';
  EXPECT_NE(refusal(read(kNumbers, "x").value(), other), "");
}

TEST_F(ExamplesTest, TextsBecomeVectorsOfTheBuiltInEmbedder) {
  const Examples examples = read(kTexts).value();
  EXPECT_TRUE(examples.from_texts);
  EXPECT_EQ(examples.embedder, TextEmbedder::identity());
  EXPECT_EQ(examples.embeddings.rows, 2u);
  const std::vector<double> expected = TextEmbedder::embed("cheap pills");
  EXPECT_TRUE(std::ranges::equal(examples.embeddings.row(1), expected));
  EXPECT_EQ(refusal(examples, TextEmbedder::identity()), "");
}

TEST_F(ExamplesTest, NumbersKeepTheNameThatIsGivenThem) {
  const Examples examples = read(kNumbers, "x").value();
  EXPECT_EQ(examples.embedder, external_embedder("x", 2));
  EXPECT_EQ(refusal(examples, external_embedder("x", 2)), "");
  EXPECT_EQ(examples.label_counts(), (std::map<std::string, size_t>{{"no", 1}, {"yes", 2}}));
}

}  // namespace
}  // namespace cryptotl
