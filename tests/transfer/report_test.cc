#include "cryptotl/transfer/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

/// Without the whole page in a failure's message.
bool has(const std::string& page, const std::string& part) { return page.find(part) != std::string::npos; }

Json row(const char* setting, double accuracy) {
  Json out = {{"setting", setting}};
  for (const char* metric :
       {"accuracy", "balanced_accuracy", "f1", "precision", "recall", "kappa", "roc_auc", "loss"}) {
    out[std::string(metric) + "_mean"] = accuracy;
    out[std::string(metric) + "_std"] = 0.0123;
  }
  return out;
}

Json shot(const char* head, int n, double mean) {
  return {{"head", head},
          {"n", n},
          {"balanced_accuracy_mean", mean},
          {"difference_to_local_mean", mean - 0.7},
          {"difference_to_local_low", mean - 0.72},
          {"difference_to_local_high", mean - 0.68}};
}

Json full_evaluation() {
  Json out;
  out["source"] = {{"name", "source.f16.npy"}, {"rows", 1380}};
  out["target"] = {{"name", "target <b>.npy"}, {"rows", 1298}};
  out["model"] = {{"name", "mail"},
                  {"digest", "0123abcd"},
                  {"embedder", "all-mpnet-base-v2"},
                  {"validation_accuracy", 0.942}};
  out["parameters"] = {{"ring_degree", 8192}, {"log_qp", 179.99}, {"security_bits", 128}};
  out["rows"] = {row("plain", 0.941), row("plain_polynomial", 0.935), row("transfer_plain", 0.9385),
                 row("transfer_encrypted", 0.9385)};
  for (const auto& [n, local] : {std::pair(10, 0.62), {20, 0.8}, {50, 0.88}, {100, 0.9}, {300, 0.92}}) {
    out["shots"].push_back(shot("local", n, local));
    out["shots"].push_back(shot("linear", n, 0.9 + 0.0001 * n));
    out["shots"].push_back(shot("combined", n, 0.905 + 0.0001 * n));
    out["shots"].push_back(shot("auto", n, 0.903 + 0.0001 * n));
    out["shots"].push_back(shot("random_lower", n, local - 0.02));
  }
  out["shots"].push_back(shot("provider", 0, 0.905));
  for (int i = 0; i <= 100; ++i) {
    const double x = i / 100.0;
    out["curves"]["transfer_plain"]["roc"].push_back({x, std::pow(x, 0.1)});
    out["curves"]["transfer_encrypted"]["roc"].push_back({x, std::pow(x, 0.1)});
    out["curves"]["plain"]["precision_recall"].push_back({x, 1 - 0.5 * std::pow(x, 8)});
    out["latency_ms"].push_back(17 + 0.05 * ((i * 37) % 41));
  }
  for (int epoch = 1; epoch < 12; ++epoch) {
    out["learning"]["pretrain"].push_back(
        {{"epoch", epoch}, {"train_loss", 0.7 / epoch}, {"validation_loss", 0.5 / epoch + 0.1}});
  }
  out["confusion"] = {{"labels", {"ham", "spam"}}, {"counts", {{702, 46}, {38, 512}}}};
  out["agreement"] = {{"rows", 1298}, {"labels_equal", 1298}, {"max_score_difference", 1.2e-6}};
  out["folds"] = 10;
  out["mode"] = "latency";
  out["max_feature_error"] = 1.8e-5;
  out["predicted_error"] = 4.2e-5;
  out["ms_per_pass"] = 17.4;
  out["request_bytes"] = 153748;
  out["response_bytes"] = 59508;
  out["evaluation_key_bytes"] = 18700000;
  return out;
}

TEST(ReportTest, RefusesAnEvaluationWithoutRows) {
  EXPECT_THROW(static_cast<void>(report_html(Json::object())), Error);
  EXPECT_THROW(static_cast<void>(report_html(Json{{"rows", Json::array()}})), Error);
  EXPECT_THROW(static_cast<void>(report_html(Json{{"rows", 3}})), Error);
}

TEST(ReportTest, LeavesOutWhatTheEvaluationLacks) {
  const std::string page = report_html({{"rows", {row("plain", 0.9)}}});
  EXPECT_TRUE(has(page, "90.0"));
  EXPECT_FALSE(has(page, "<svg"));
  EXPECT_FALSE(has(page, "nan"));
}

TEST(ReportTest, ShowsEveryPartOfAFullEvaluationInOneFile) {
  const std::string page = report_html(full_evaluation());
  for (const char* part :
       {"93.8", "few labels", "ROC", "Precision and recall", "Pretraining", "Time of an encrypted pass",
        "702", "1298 of 1298", "log2 QP = 180", "17.4 ms", "18.7 MB"}) {
    EXPECT_TRUE(has(page, part)) << part;
  }
  for (const char* outside : {"<script", "http://", "https://", "src=", "@import"})
    EXPECT_FALSE(has(page, outside)) << outside;
  if (const char* wish = std::getenv("CRYPTOTL_SAMPLE_REPORT")) std::ofstream(wish) << page;
}

TEST(ReportTest, OfABatchShowsNoTimesOfSingleInputs) {
  Json evaluation = full_evaluation();
  evaluation["mode"] = "batch";
  const std::string page = report_html(evaluation);
  EXPECT_FALSE(has(page, "Time of an encrypted pass"));
  EXPECT_TRUE(has(page, "share of an encrypted batch"));
}

TEST(ReportTest, EscapesTextFromOutside) {
  Json evaluation = full_evaluation();
  evaluation["confusion"]["labels"][0] = "<script>alert(1)</script>";
  evaluation["heads"]["reason"] = "\"><img>";
  const std::string page = report_html(evaluation);
  EXPECT_TRUE(has(page, "target &lt;b&gt;.npy"));
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_FALSE(has(page, "<img"));
}

TEST(ReportTest, SurvivesEvaluationsOfTheWrongTypes) {
  const Json full = full_evaluation();
  for (const auto& [name, value] : full.items()) {
    for (const Json& wrong :
         {Json(nullptr), Json("text"), Json(1.5), Json::array({1, "a"}), Json::object({{"a", 1}})}) {
      Json evaluation = full;
      evaluation[name] = wrong;
      if (name == "rows") continue;
      EXPECT_TRUE(has(report_html(evaluation), "</html>")) << name;
    }
  }
}

}  // namespace
}  // namespace cryptotl
