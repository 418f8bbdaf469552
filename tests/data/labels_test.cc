#include "cryptotl/data/labels.h"

#include <gmock/gmock.h>

#include "cryptotl/data/limits.h"

namespace cryptotl {
namespace {

using testing::ElementsAre;
using Labels = std::vector<std::string>;

TEST(Labels, RefuseASingleClass) {
  const auto one = index_labels({"a", "a", "a"}, "t.csv");
  ASSERT_FALSE(one.ok());
  EXPECT_EQ(one.error().code(), ErrorCode::malformed);
  EXPECT_STREQ(one.error().what(), "t.csv: all 3 rows have the same label; at least two classes are needed");
  const auto none = index_labels({}, "t.csv");
  ASSERT_FALSE(none.ok());
  EXPECT_STREQ(none.error().what(), "t.csv: no labels; at least two classes are needed");
}

TEST(Labels, RefuseWhatIsHardlyALabelColumn) {
  Labels labels;
  for (size_t i = 0; i < kMaxClasses; ++i) labels.push_back(std::to_string(i));
  EXPECT_EQ(index_labels(labels).value().names.size(), kMaxClasses);
  labels.push_back("one more");
  const auto set = index_labels(labels, "t.csv");
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), ErrorCode::malformed);
  EXPECT_STREQ(set.error().what(), "t.csv: more than 1024 distinct labels; is this the label column?");
}

TEST(Labels, RefuseAnUnknownLabelWithItsRow) {
  const auto index = index_labels_as({"a", "b", "c"}, {"a", "b"}, "t.csv");
  ASSERT_FALSE(index.ok());
  EXPECT_EQ(index.error().code(), ErrorCode::parameter_mismatch);
  EXPECT_STREQ(index.error().what(), "t.csv, data row 3: a label that is none of the 2 known ones");
}

TEST(Labels, AreSortedByValueWhereAllAreNumbers) {
  const LabelSet set = index_labels({"10", "9", "-1", "9"}).value();
  EXPECT_THAT(set.names, ElementsAre("-1", "9", "10"));
  EXPECT_THAT(set.index, ElementsAre(2, 1, 0, 1));
}

TEST(Labels, AreSortedByBytesOtherwise) {
  EXPECT_THAT(index_labels({"spam", "10", "9", "ham"}).value().names, ElementsAre("10", "9", "ham", "spam"));
  EXPECT_THAT(index_labels({"nan", "2", "1", "inf"}).value().names, ElementsAre("1", "2", "inf", "nan"));
}

TEST(Labels, FollowTheNamesOfAModel) {
  EXPECT_THAT(index_labels_as({"spam", "spam", "ham"}, {"spam", "ham"}).value(), ElementsAre(0, 0, 1));
}

}  // namespace
}  // namespace cryptotl
