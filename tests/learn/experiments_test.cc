#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "clusters.h"
#include "cryptotl/base/error.h"
#include "cryptotl/data/scaler.h"
#include "cryptotl/learn/cross_validation.h"
#include "cryptotl/learn/few_shot.h"
#include "cryptotl/learn/pretrain.h"
#include "real_data.h"

namespace cryptotl {
namespace {

FewShotData few_shot_data(size_t rows) {
  const Clusters embeddings = clusters(rows, 24, 2, 0.02, 1);
  FewShotData data{embeddings.rows,
                   clusters(rows, 12, 2, 0.1, 2).rows,
                   clusters(rows, 12, 2, 0.01, 3).rows,
                   embeddings.labels,
                   {}};
  Dense layer{Matrix(1, 12), {0}};
  for (size_t c = 0; c < 12; ++c) layer.weight(0, c) = c % 2 == 1 ? 10 : -10;
  data.provider.output_layer = layer;
  return data;
}

FewShotOptions options(std::vector<size_t> shots, size_t draws) {
  FewShotOptions made;
  made.shots = std::move(shots);
  made.draws = draws;
  return made;
}

const FewShotRow& row_of(const FewShotReport& report, const std::string& head, size_t shots) {
  for (const FewShotRow& row : report.rows) {
    if (row.head == head && row.shots == shots) return row;
  }
  throw std::runtime_error("no row " + head + " " + std::to_string(shots));
}

TEST(FewShot, RefusesDataThatDoNotFitTogether) {
  FewShotData data = few_shot_data(50);
  data.random_features = Matrix(49, 12);
  EXPECT_THROW(few_shot(data, options({10}, 2)), Error);
  data = few_shot_data(50);
  data.labels.pop_back();
  EXPECT_THROW(few_shot(data, options({10}, 2)), Error);
  EXPECT_THROW(few_shot(few_shot_data(50), options({10}, 0)), Error);
}

TEST(FewShot, ShowsAProviderThatHelpsAndSkipsMoreLabelsThanThereAre) {
  const FewShotReport report = few_shot(few_shot_data(100), options({3, 10, 20, 5000}, 5));
  EXPECT_EQ(report.test_rows, 30u);
  std::set<size_t> shots;
  for (const FewShotRow& row : report.rows) shots.insert(row.shots);
  EXPECT_EQ(shots, (std::set<size_t>{0, 10, 20}));
  EXPECT_EQ(report.rows.size(), 1u + 2 * 5);
  EXPECT_GT(row_of(report, "provider", 0).balanced_accuracy_mean, 0.85);
  EXPECT_GT(row_of(report, "combined", 20).difference_to_local_low, 0.1);
  const FewShotRow& local = row_of(report, "local", 20);
  EXPECT_EQ(local.difference_to_local_mean, 0);
  const FewShotRow& combined = row_of(report, "combined", 20);
  EXPECT_NEAR(combined.difference_to_local_mean,
              combined.balanced_accuracy_mean - local.balanced_accuracy_mean, 1e-12);
  EXPECT_LT(combined.difference_to_local_low, combined.difference_to_local_mean);
}

TEST(FewShot, GivesTheSameNumbersOnAnyNumberOfThreads) {
  FewShotOptions one = options({10}, 6), three = one;
  one.threads = 1;
  three.threads = 3;
  const FewShotReport a = few_shot(few_shot_data(60), one), b = few_shot(few_shot_data(60), three);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].balanced_accuracy_mean, b.rows[i].balanced_accuracy_mean) << a.rows[i].head;
  }
}

CrossValidationOptions quick_folds(size_t folds) {
  CrossValidationOptions made;
  made.folds = folds;
  made.training.epochs = 60;
  made.training.patience = 20;
  made.training.batch = 16;
  return made;
}

TEST(CrossValidate, RefusesMoreFoldsThanRowsAndUnequalLengths) {
  const Clusters data = clusters(12, 8, 2, 0.1, 0);
  EXPECT_THROW(cross_validate_upper(data.rows, data.labels, quick_folds(13)), Error);
  EXPECT_THROW(cross_validate_whole(data.rows, std::vector<int>{0, 1}, true, quick_folds(2)), Error);
}

TEST(CrossValidate, ScoresEveryRowFromTheFoldThatDidNotTrainOnIt) {
  const Clusters data = clusters(240, 12, 2, 0.15, 1);
  for (const bool polynomial : {false, true}) {
    const CrossValidation whole = cross_validate_whole(data.rows, data.labels, polynomial, quick_folds(3));
    ASSERT_EQ(whole.folds.size(), 3u);
    EXPECT_EQ(whole.curves.size(), 3u);
    ASSERT_EQ(whole.scores.rows, 240u);
    const Metrics pooled = measure(whole.scores, data.labels);
    EXPECT_GT(pooled.accuracy, 0.75);
    EXPECT_NEAR(whole.summary.mean.accuracy, pooled.accuracy, 1e-12) << "the folds are equally large";
  }
}

TEST(CrossValidate, LearnsNothingFromLabelsWithoutMeaning) {
  Clusters data = clusters(120, 10, 2, 0, 2);
  EXPECT_LT(cross_validate_upper(data.rows, data.labels, quick_folds(4)).summary.mean.accuracy, 0.7);
}

TEST(CrossValidate, GivesTheSameNumbersOnAnyNumberOfThreads) {
  const Clusters data = clusters(60, 10, 3, 0.1, 3);
  CrossValidationOptions one = quick_folds(3), two = one;
  one.threads = 1;
  two.threads = 2;
  EXPECT_EQ(cross_validate_upper(data.rows, data.labels, one).scores.values,
            cross_validate_upper(data.rows, data.labels, two).scores.values);
}

TEST(CrossValidate, GivesFeaturesThatDifferByAnEncryptionsErrorTheSameScores) {
  const Clusters data = clusters(240, 40, 2, 0.05, 4);
  Matrix encrypted = data.rows;
  std::mt19937_64 engine(5);
  std::uniform_real_distribution<double> error(-5e-11, 5e-11);  // the accurate preset's
  for (double& value : encrypted.values) value += error(engine);
  const CrossValidation plain = cross_validate_upper(data.rows, data.labels, quick_folds(3));
  const CrossValidation through = cross_validate_upper(encrypted, data.labels, quick_folds(3));
  // In single precision, to which most of these errors are nothing, scores differ by a hundred times as much.
  for (size_t i = 0; i < plain.scores.values.size(); ++i)
    EXPECT_NEAR(through.scores.values[i], plain.scores.values[i], 1e-7);
}

/// Pretrains on the source and runs the few-shot experiment on the target, with features computed in plain.
class Provider {
 public:
  explicit Provider(RealRows source) : scaler_(MinMaxScaler::fit(source.embeddings)) {
    scaler_.apply(source.embeddings);
    pretrained_ = pretrain(source.embeddings, source.labels);
  }

  FewShotReport few_shot(const RealRows& target, const FewShotOptions& settings) const {
    Matrix scaled = target.embeddings;
    scaler_.apply(scaled);
    FewShotData data{target.embeddings, forward(pretrained_.lower, scaled), {}, target.labels, {}};
    data.provider = {pretrained_.feature_mean, pretrained_.feature_deviation, pretrained_.output_layer};
    return cryptotl::few_shot(data, settings);
  }

 private:
  MinMaxScaler scaler_;
  Pretrained pretrained_;
};

double gain(const FewShotReport& report, const std::string& head, size_t shots) {
  return row_of(report, head, shots).difference_to_local_mean;
}

TEST(Mail, ProviderOfOlderMailIsWorthManyLabels) {
  const FewShotReport report =
      Provider(mail("source")).few_shot(mail("target"), options({10, 20, 50, 100}, 20));
  EXPECT_GT(row_of(report, "provider", 0).balanced_accuracy_mean, 0.85);
  EXPECT_GT(gain(report, "combined", 10), 0.15);
  EXPECT_GT(gain(report, "combined", 20), 0.07);
  EXPECT_GT(gain(report, "combined", 50), 0.02);
  EXPECT_GT(gain(report, "combined", 100), 0.01);
}

TEST(Mail, AProviderOfThreeGroupsIsWorthManyLabels) {
  const FewShotReport report = Provider(mail_groups(0, 2)).few_shot(mail_groups(1, 2), options({12, 30}, 8));
  EXPECT_GT(row_of(report, "provider", 0).balanced_accuracy_mean, 0.78);
  EXPECT_GT(gain(report, "combined", 12), 0.15);
  EXPECT_GT(gain(report, "combined", 30), 0.06);
}

TEST(SharedData, RelatedSourceIsWorthManyLabelsAndAnUnrelatedOneCostsNothing) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "the shared data sets are not beside this checkout";
  const Provider provider(shared("rt_polarity"));
  for (const char* const name : {"yelp_sent", "amazon_sent", "imdb_sent"}) {
    SCOPED_TRACE(name);
    const FewShotReport report = provider.few_shot(shared(name), options({10, 20, 50}, 50));
    EXPECT_GT(gain(report, "combined", 10), 0.10);
    EXPECT_GT(gain(report, "combined", 20), 0.03);
    EXPECT_GT(gain(report, "combined", 50), 0.005);
  }
  for (const char* const name : {"youtube_spam", "sms_spam"}) {
    SCOPED_TRACE(name);
    const FewShotReport report = provider.few_shot(shared(name), options({20, 50}, 20));
    EXPECT_GT(gain(report, "auto", 20), -0.01);
    EXPECT_GT(gain(report, "auto", 50), -0.01);
  }
}

}  // namespace
}  // namespace cryptotl
