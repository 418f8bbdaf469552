#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cryptotl/data/embedder.h"
#include "cryptotl/data/feature_file.h"
#include "cryptotl/data/labels.h"
#include "cryptotl/data/scaler.h"

namespace cryptotl {
namespace {

const std::filesystem::path kMail = std::filesystem::path(CRYPTOTL_SOURCE_DIR) / "examples" / "mail";
const std::filesystem::path kShared = std::filesystem::path(CRYPTOTL_SOURCE_DIR) / ".." / "shared" / "data";

void expect_embeddings(const Matrix& rows) {
  ASSERT_EQ(rows.cols, 768u);
  for (size_t r = 0; r < rows.rows; ++r) {
    double squares = 0;
    for (const double value : rows.row(r)) squares += value * value;
    ASSERT_NEAR(squares, 1, 2e-3) << "row " << r + 1;  // 768 values rounded to 11 bits
  }
}

TEST(MailFeatures, AreReadWithTheirLabels) {
  for (const auto& [split, rows, spam] : {std::tuple("source", 1380, 480), std::tuple("target", 1298, 550)}) {
    SCOPED_TRACE(split);
    const Table table =
        read_table(kMail / (std::string(split) + ".f16.npy"),
                   {.label_column = {}, .labels = kMail / (std::string(split) + ".labels.npy")})
            .value();
    EXPECT_EQ(table.rows(), static_cast<size_t>(rows));
    EXPECT_EQ(std::ranges::count(table.labels, "1"), spam);
    EXPECT_EQ(index_labels(table.labels).value().names, (std::vector<std::string>{"0", "1"}));
    expect_embeddings(table.features);
    Matrix scaled = table.features;
    MinMaxScaler::fit(scaled).apply(scaled);
    EXPECT_TRUE(std::ranges::all_of(scaled.values, [](double x) { return x >= 0 && x <= 1; }));
  }
}

TEST(SharedData, TextsAndFeaturesHaveTheSameRows) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "the shared data sets are not beside this checkout";
  for (const auto& [name, rows, positive] :
       {std::tuple("rt_polarity", 4000, 2030), std::tuple("yelp_sent", 996, 499),
        std::tuple("amazon_sent", 987, 491), std::tuple("imdb_sent", 997, 498),
        std::tuple("youtube_spam", 1711, 826), std::tuple("sms_spam", 2000, 242)}) {
    SCOPED_TRACE(name);
    const Table texts = read_table(kShared / (std::string(name) + ".csv")).value();
    EXPECT_EQ(texts.texts.size(), static_cast<size_t>(rows));
    EXPECT_EQ(std::ranges::count(texts.labels, "1"), positive);
    const Table features = read_table(kShared / (std::string(name) + ".f16.npy"),
                                      {.label_column = {}, .labels = {}, .expects_labels = false})
                               .value();
    EXPECT_EQ(features.rows(), static_cast<size_t>(rows));
    expect_embeddings(features.features);
  }
}

/// The share of rows whose nearest other row has the same label.
double nearest_neighbour_accuracy(const Matrix& rows, const std::vector<std::string>& labels) {
  size_t right = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    double best = -2;
    size_t nearest = r;
    for (size_t other = 0; other < rows.rows; ++other) {
      double product = 0;
      for (size_t c = 0; c < rows.cols; ++c) product += rows(r, c) * rows(other, c);
      if (other != r && product > best) {
        best = product;
        nearest = other;
      }
    }
    right += labels[r] == labels[nearest] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(rows.rows);
}

TEST(SharedData, BuiltInEmbeddingsTellClassesApart) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "the shared data sets are not beside this checkout";
  Table table = read_table(kShared / "youtube_spam.csv").value();
  constexpr size_t kRows = 600;
  table.texts.resize(kRows);
  const double accuracy = nearest_neighbour_accuracy(TextEmbedder::embed(table.texts), table.labels);
  EXPECT_GT(accuracy, 0.85);  // guessing gives 0.5
}

}  // namespace
}  // namespace cryptotl
