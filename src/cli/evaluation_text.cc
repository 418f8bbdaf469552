#include "cli/evaluation_text.h"

#include <nlohmann/json.hpp>

#include "cli/table.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

std::string percent(double share) { return fixed(100 * share, 1); }

std::string mean_and_deviation(const Json& row, const std::string& metric, bool in_percent) {
  const double factor = in_percent ? 100 : 1;
  return fixed(factor * row.at(metric + "_mean").get<double>(), in_percent ? 1 : 3) + " +- " +
         fixed(factor * row.at(metric + "_std").get<double>(), in_percent ? 1 : 3);
}

struct Metric {
  const char* key;
  const char* title;
  bool in_percent;
};

std::string title(const std::string& setting) {
  if (setting == "plain_polynomial") return "polynomial";
  if (setting == "transfer_plain") return "transfer";
  if (setting == "transfer_encrypted") return "encrypted";
  return setting;
}

std::string settings_table(const Json& evaluation) {
  constexpr Metric kMetrics[] = {{"loss", "loss", false},
                                 {"accuracy", "accuracy %", true},
                                 {"balanced_accuracy", "balanced accuracy %", true},
                                 {"f1", "F1 %", true},
                                 {"precision", "precision %", true},
                                 {"recall", "recall %", true},
                                 {"kappa", "Cohen's kappa", false},
                                 {"roc_auc", "ROC area", false},
                                 {"pr_auc", "precision-recall area", false}};
  Rows table = {{""}};
  for (const Json& row : evaluation.at("rows")) table.front().push_back(title(row.at("setting")));
  for (const Metric& metric : kMetrics) {
    table.push_back({metric.title});
    for (const Json& row : evaluation.at("rows")) {
      table.back().push_back(mean_and_deviation(row, metric.key, metric.in_percent));
    }
  }
  return text_table(table) +
         "\nplain: the client's examples alone; polynomial: the same with the cubic activation;\n"
         "transfer: the provider's features, computed in plain; encrypted: the same through\n"
         "encryption. Mean +- standard deviation over " +
         evaluation.at("folds").dump() + " folds.\n" +
         (evaluation.at("target").at("labels").size() > 2
              ? "F1, precision, recall and areas: means over the labels, each against the rest.\n"
              : "") +
         "\n";
}

std::string shots_table(const Json& evaluation) {
  Rows table = {{"head", "labels", "balanced %", "to local", "95 %"}};
  for (const Json& row : evaluation.at("shots")) {
    table.push_back(
        {row.at("head").get<std::string>(), row.at("n").dump(),
         mean_and_deviation(row, "balanced_accuracy", true), percent(row.at("difference_to_local_mean")),
         percent(row.at("difference_to_local_low")) + " to " + percent(row.at("difference_to_local_high"))});
  }
  return text_table(table);
}

std::string heads_lines(const Json& evaluation) {
  const Json& agreement = evaluation.at("agreement");
  return "head:       " + evaluation.at("heads").at("reason").get<std::string>() + "\n" +
         "agreement:  " + agreement.at("labels_equal").dump() + " of " + agreement.at("rows").dump() +
         " labels equal from plain and encrypted features, scores within " +
         brief(agreement.at("max_score_difference")) + " (bound " + brief(agreement.at("score_bound")) +
         ")\n";
}

std::string table_line(const char* role, const Json& table) {
  std::string out =
      std::string(role) + table.at("name").get<std::string>() + ", " + table.at("rows").dump() + " rows";
  for (const auto& [label, count] : table.at("labels").items()) out += ", " + count.dump() + " " + label;
  return out + "\n";
}

std::string pass_line(const Json& evaluation) {
  const auto cached = evaluation.at("cached").get<size_t>();
  if (evaluation.at("ms_per_pass").is_null())
    return "a pass:     none was needed: all " + std::to_string(cached) + " rows came from the cache\n";
  const bool batched = evaluation.at("mode") == "batch";
  std::string out = (batched ? "an input:   its share of a batch, " : "a pass:     ") +
                    fixed(evaluation.at("ms_per_pass"), 1) + " ms on the server, " +
                    fixed(evaluation.at("round_trip_ms"), 1) + " ms there and back, " +
                    fixed(evaluation.at("client_encrypt_ms"), 1) + " ms to encrypt, " +
                    fixed(evaluation.at("client_decrypt_ms"), 1) + " ms to decrypt (medians)\n";
  if (cached > 0) out += "            " + std::to_string(cached) + " rows came from the cache\n";
  return out;
}

}  // namespace

std::string evaluation_text(const Json& evaluation) {
  std::string out = "\n" + table_line("provider: ", evaluation.at("source")) +
                    table_line("client:   ", evaluation.at("target")) + "\n";
  if (!evaluation.at("rows").empty()) out += settings_table(evaluation);
  if (!evaluation.at("shots").empty()) {
    out += shots_table(evaluation) + "\nbalanced accuracy on " + evaluation.at("test_rows").dump() +
           " held-out rows, mean of " + evaluation.at("draws").dump() + " draws\n\n";
  }
  if (evaluation.contains("heads")) out += heads_lines(evaluation);
  out += "features:   error at most " + brief(evaluation.at("max_feature_error")) + " (predicted " +
         brief(evaluation.at("predicted_error")) + "); " + evaluation.at("flagged_rows").dump() +
         " rows flagged, " + evaluation.at("clipped_rows").dump() + " clipped\n";
  out += pass_line(evaluation);
  if (const Json& model = evaluation.at("model"); model.contains("privacy"))
    out += "privacy:    " + model.at("privacy").at("in_words").get<std::string>() + "\n";
  out += "bytes:      request " + byte_text(evaluation.at("request_bytes")) + ", answer " +
         byte_text(evaluation.at("response_bytes")) + ", evaluation keys " +
         byte_text(evaluation.at("evaluation_key_bytes")) + "\n";
  out += "seconds:    " + fixed(evaluation.at("seconds").at("total"), 0) + " in all\n";
  return out;
}

}  // namespace cryptotl
