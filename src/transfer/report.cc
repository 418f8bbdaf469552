#include "cryptotl/transfer/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "cryptotl/base/error.h"
#include "transfer/svg_chart.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

struct Named {
  const char* key;
  const char* title;
  const char* style;
};

// One colour a setting and a head on the whole page.
constexpr std::array kSettings = {
    Named{"plain", "plain, no transfer", "s4"},
    Named{"plain_polynomial", "plain, polynomial activation", "s3"},
    Named{"transfer_plain", "transfer, plain", "s2"},
    Named{"transfer_encrypted", "transfer, encrypted", "s1"},
};
constexpr std::array kHeads = {
    Named{"combined", "combined: own embedding and provider's features", "s1"},
    Named{"auto", "auto: chosen by cross-validation", "s5"},
    Named{"linear", "linear: provider's features", "s2"},
    Named{"local", "local: own embedding alone", "s4"},
    Named{"random_lower", "random lower network (control)", "s3"},
};
constexpr std::array kMetrics = {
    Named{"accuracy", "accuracy", ""},
    Named{"balanced_accuracy", "balanced acc.", ""},
    Named{"f1", "F1", ""},
    Named{"precision", "precision", ""},
    Named{"recall", "recall", ""},
    Named{"kappa", "kappa", ""},
    Named{"roc_auc", "ROC area", ""},
    Named{"loss", "loss", ""},
};

constexpr const char* kStyle = R"(
:root{--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;--page:#f6f7f9;--card:#fff;--s1:#1f6fd6;--s2:#0f8f7e;--s3:#b3861b;--s4:#8a94a3;--s5:#8d4fc0;--good:#0f8f7e}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#9aa5b4;--line:#313a46;--page:#12161c;--card:#1a2028;--s1:#6aa9ff;--s2:#3fc7b3;--s3:#dcb24a;--s4:#8793a3;--s5:#bd8cf0;--good:#3fc7b3}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1140px;margin:0 auto;padding:34px 20px 60px}h1{font-size:27px;margin:0 0 4px;letter-spacing:-.01em}h2{font-size:18px;margin:34px 0 10px}
p{margin:6px 0;max-width:96ch}.soft{color:var(--soft)}.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:12px;margin:20px 0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}.tile b{display:block;font-size:21px;white-space:nowrap;font-weight:650;letter-spacing:-.02em}
.tile span{color:var(--soft);font-size:13px}.grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:14px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}th,td{padding:7px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:550}th:first-child,td:first-child{text-align:left}tr:last-child td{border-bottom:0}tr.own td{font-weight:650}td small{color:var(--soft);font-weight:400}
svg{width:100%;height:auto;display:block}svg text{fill:var(--ink);font-size:12px}svg .title{font-size:14px;font-weight:620}svg .tick{fill:var(--soft);font-size:11px}svg .label{fill:var(--soft)}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}.line{fill:none;stroke-width:2.2;stroke-linejoin:round}.dashed{stroke-dasharray:5 4}.band{opacity:.13;stroke:none}.median{stroke:var(--ink);stroke-dasharray:3 3}
.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}.line.s3{stroke:var(--s3)}.line.s4{stroke:var(--s4)}.line.s5{stroke:var(--s5)}.line.s6{stroke:var(--line)}
.band.s1,.dot.s1,.bar.s1{fill:var(--s1)}.band.s2,.dot.s2{fill:var(--s2)}.band.s3,.dot.s3{fill:var(--s3)}.band.s4,.dot.s4{fill:var(--s4)}.band.s5,.dot.s5{fill:var(--s5)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12.5px;color:var(--soft);padding:4px 0 0 10px}.legend i{display:inline-block;width:18px;border-top:3px solid;margin-right:6px;vertical-align:middle}
.legend i.dashed{border-top-style:dashed}i.s1{color:var(--s1)}i.s2{color:var(--s2)}i.s3{color:var(--s3)}i.s4{color:var(--s4)}i.s5{color:var(--s5)}
.matrix{width:auto;margin:6px auto 4px}.matrix td,.matrix th{text-align:center!important;padding:12px 20px}.matrix td.cell{font-size:19px;border-radius:6px;border:2px solid var(--card);background:color-mix(in srgb,var(--s1) calc(var(--v)*62%),var(--card))}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:0;font-size:14px}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
)";

constexpr size_t kMostConfusionLabels = 20;  // a table beyond it would be read by nobody

const char* title_of(const auto& names, const std::string& key) {
  const auto found = std::ranges::find_if(names, [&](const Named& named) { return key == named.key; });
  return found == names.end() ? nullptr : found->title;
}

/// A member that is a finite number.
std::optional<double> number_at(const Json& json, const std::string& key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_number()) return std::nullopt;
  const double value = json[key].get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// A member as text for people, or "" where it is missing.
std::string text_at(const Json& json, const std::string& key) {
  if (!json.is_object() || !json.contains(key)) return "";
  const Json& value = json[key];
  if (value.is_string()) return escape_html(value.get<std::string>());
  if (value.is_number_float()) return short_number(value.get<double>());
  return value.is_number() ? value.dump() : "";
}

const Json& member(const Json& json, const std::string& key) {
  static const Json kNothing;
  return json.is_object() && json.contains(key) ? json[key] : kNothing;
}

std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * value);
  return text;
}

std::string size_text(double bytes) {
  if (bytes >= 1e6) return short_number(bytes / 1e6) + " MB";
  return bytes >= 1e3 ? short_number(bytes / 1e3) + " KB" : short_number(bytes) + " B";
}

std::string tile(const std::string& value, const std::string& what) {
  return "<div class=\"tile\"><b>" + value + "</b><span>" + what + "</span></div>";
}

const Json& row_of(const Json& evaluation, const std::string& setting) {
  for (const Json& row : evaluation.at("rows")) {
    if (member(row, "setting") == setting) return row;
  }
  return member(evaluation, "");
}

/// The combined head at the fewest labels, or null.
const Json& smallest_combined(const Json& shots) {
  const Json* best = &member(shots, "");
  for (const Json& shot : shots) {
    if (member(shot, "head") != "combined" || !number_at(shot, "n")) continue;
    if (best->is_null() || *number_at(shot, "n") < *number_at(*best, "n")) best = &shot;
  }
  return *best;
}

std::string tiles(const Json& evaluation) {
  std::string out = "<div class=\"tiles\">";
  const Json& encrypted = row_of(evaluation, "transfer_encrypted");
  if (const auto value = number_at(encrypted, "accuracy_mean"))
    out += tile(percent(*value), "accuracy through encryption");
  if (const Json& gain = smallest_combined(member(evaluation, "shots")); !gain.is_null()) {
    char text[32];
    std::snprintf(text, sizeof text, "%+.1f points",
                  100 * number_at(gain, "difference_to_local_mean").value_or(0));
    out += tile(text,
                "balanced accuracy with " + text_at(gain, "n") + " labels, over the client's own data alone");
  }
  if (const auto value = number_at(evaluation, "ms_per_pass")) {
    out += tile(short_number(*value) + " ms", text_at(evaluation, "mode") == "batch"
                                                  ? "an input's share of an encrypted batch on the server"
                                                  : "an encrypted pass on the server (median)");
  }
  if (const auto value = number_at(evaluation, "max_feature_error")) {
    out += tile(short_number(*value, 2), "largest error of a feature through encryption");
  }
  if (const auto value = number_at(evaluation, "request_bytes")) {
    const double answer = number_at(evaluation, "response_bytes").value_or(0);
    out += tile(size_text(*value) + " / " + size_text(answer), "sent / received an input");
  }
  if (const auto value = number_at(evaluation, "evaluation_key_bytes"))
    out += tile(size_text(*value), "evaluation keys, sent once");
  return out + "</div>";
}

/// Of the client's data; 0 where the evaluation does not say.
size_t label_count(const Json& evaluation) {
  return member(member(evaluation, "confusion"), "labels").size();
}

std::string metric_cell(const Json& row, const std::string& metric) {
  const auto mean = number_at(row, metric + "_mean");
  if (!mean) return "<td>-</td>";
  const bool share = metric != "loss" && metric != "kappa";
  const double factor = share ? 100 : 1;
  char text[64];
  std::snprintf(text, sizeof text, share ? "%.1f" : "%.3f", factor * *mean);
  std::string out = std::string("<td>") + text;
  if (const auto deviation = number_at(row, metric + "_std")) {
    std::snprintf(text, sizeof text, share ? " &plusmn;%.1f" : " &plusmn;%.3f", factor * *deviation);
    out += std::string("<small>") + text + "</small>";
  }
  return out + "</td>";
}

std::string settings_table(const Json& evaluation) {
  std::string out = "<div class=\"card scroll\"><table><tr><th>setting</th>";
  for (const Named& metric : kMetrics) out += std::string("<th>") + metric.title + "</th>";
  out += "</tr>";
  for (const Json& row : evaluation.at("rows")) {
    const std::string setting = row.value("setting", "");
    const char* title = title_of(kSettings, setting);
    out += setting == "transfer_encrypted" ? "<tr class=\"own\"><td>" : "<tr><td>";
    out += (title == nullptr ? escape_html(setting) : std::string(title)) + "</td>";
    for (const Named& metric : kMetrics) out += metric_cell(row, metric.key);
    out += "</tr>";
  }
  out += "</table></div><p class=\"soft\">Mean and standard deviation over " + text_at(evaluation, "folds") +
         " stratified folds; percent but for kappa and loss." +
         (label_count(evaluation) > 2
              ? " F1, precision, recall and areas are means over the " +
                    std::to_string(label_count(evaluation)) + " labels, each against the rest."
              : "") +
         "</p>";
  return out;
}

std::string few_shot_chart(const Json& shots) {
  Chart chart{"Balanced accuracy with few labels",
              {"labels", {}, {}, true, false, {}},
              {"", {}, {}, false, true, {}},
              {}};
  for (const Named& head : kHeads) {
    Series line{head.title, head.style, {}, {}, {}, std::string(head.key) == "random_lower", true};
    for (const Json& shot : shots) {
      const auto n = number_at(shot, "n");
      const auto mean = number_at(shot, "balanced_accuracy_mean");
      if (member(shot, "head") != head.key || !n || !mean || *n <= 0) continue;
      line.points.push_back({*n, *mean});
      if (std::ranges::find(chart.x.ticks, *n) == chart.x.ticks.end()) chart.x.ticks.push_back(*n);
    }
    if (!line.points.empty()) chart.series.push_back(std::move(line));
  }
  if (chart.series.empty()) return "";
  const auto [least, most] = std::ranges::minmax(chart.x.ticks);
  for (const Json& shot : shots) {
    const auto mean = number_at(shot, "balanced_accuracy_mean");
    if (member(shot, "head") != "provider" || !mean || least == most) continue;
    chart.series.push_back({"provider's own output layer, no labels",
                            "s2",
                            {{least, *mean}, {most, *mean}},
                            {},
                            {},
                            true,
                            false});
  }
  return line_chart(chart);
}

std::string difference_chart(const Json& shots) {
  Chart chart{
      "Gain over the tuned local head, points (95 % interval)", {"labels", {}, {}, true, false, {}}, {}, {}};
  for (const Named& head : kHeads) {
    Series line{head.title, head.style, {}, {}, {}, std::string(head.key) == "random_lower", true};
    for (const Json& shot : shots) {
      const auto n = number_at(shot, "n");
      const auto mean = number_at(shot, "difference_to_local_mean");
      if (member(shot, "head") != head.key || std::string(head.key) == "local" || !n || !mean || *n <= 0)
        continue;
      line.points.push_back({*n, 100 * *mean});
      line.low.push_back(100 * number_at(shot, "difference_to_local_low").value_or(*mean));
      line.high.push_back(100 * number_at(shot, "difference_to_local_high").value_or(*mean));
      if (std::ranges::find(chart.x.ticks, *n) == chart.x.ticks.end()) chart.x.ticks.push_back(*n);
    }
    if (!line.points.empty()) chart.series.push_back(std::move(line));
  }
  if (chart.series.empty()) return "";
  const auto [least, most] = std::ranges::minmax(chart.x.ticks);
  chart.series.insert(chart.series.begin(), {"", "s4", {{least, 0}, {most, 0}}, {}, {}, true, false});
  return line_chart(chart);
}

std::vector<Point> points_from(const Json& json) {
  std::vector<Point> points;
  for (const Json& pair : json) {
    if (pair.is_array() && pair.size() == 2 && pair[0].is_number() && pair[1].is_number()) {
      points.push_back({pair[0].get<double>(), pair[1].get<double>()});
    }
  }
  // More than a point a pixel only makes the file larger.
  const size_t step = 1 + points.size() / 400;
  std::vector<Point> thinned;
  for (size_t i = 0; i < points.size(); i += step) thinned.push_back(points[i]);
  if (!points.empty()) thinned.push_back(points.back());
  return thinned;
}

std::string curve_chart(const Json& curves, const char* which, const Chart& empty) {
  Chart chart = empty;
  for (const Named& setting : kSettings) {
    const std::vector<Point> points = points_from(member(member(curves, setting.key), which));
    if (points.empty()) continue;
    // The encrypted curve lies on the plain one: dashes let both be seen.
    chart.series.push_back({setting.title,
                            setting.style,
                            points,
                            {},
                            {},
                            std::string(setting.key) == "transfer_encrypted",
                            false});
  }
  return chart.series.empty() ? "" : line_chart(chart);
}

std::string learning_chart(const std::string& title, const Json& epochs) {
  Series training{"training", "s4", {}, {}, {}, false, false};
  Series validation{"validation", "s1", {}, {}, {}, false, false};
  for (const Json& epoch : epochs) {
    const auto at = number_at(epoch, "epoch");
    if (!at) continue;
    if (const auto loss = number_at(epoch, "train_loss")) training.points.push_back({*at, *loss});
    if (const auto loss = number_at(epoch, "validation_loss")) validation.points.push_back({*at, *loss});
  }
  if (training.points.size() < 2) return "";
  Chart chart{title, {"epoch", {}, {}, false, false, {}}, {"loss", {}, {}, false, false, {}}, {training}};
  if (!validation.points.empty()) chart.series.push_back(validation);
  return line_chart(chart);
}

std::string confusion(const Json& matrix) {
  const Json& labels = member(matrix, "labels");
  const Json& counts = member(matrix, "counts");
  if (!labels.is_array() || !counts.is_array() || counts.size() != labels.size() || labels.empty()) return "";
  if (labels.size() > kMostConfusionLabels) return "";
  std::string out =
      "<h3 class=\"soft\" style=\"font-size:14px;margin:2px 0\">Predicted (columns) and true (rows), "
      "encrypted</h3>"
      "<div class=\"scroll\"><table class=\"matrix\"><tr><th></th>";
  const auto label = [](const Json& name) {
    return escape_html(name.is_string() ? name.get<std::string>() : name.dump());
  };
  for (const Json& name : labels) out += "<th>" + label(name) + "</th>";
  out += "</tr>";
  for (size_t i = 0; i < counts.size(); ++i) {
    double sum = 0;
    for (const Json& count : counts[i]) sum += count.is_number() ? count.get<double>() : 0;
    out += "<tr><th>" + label(labels[i]) + "</th>";
    for (const Json& count : counts[i]) {
      const double value = count.is_number() ? count.get<double>() : 0;
      out += "<td class=\"cell\" style=\"--v:" + short_number(sum > 0 ? value / sum : 0) + "\">" +
             short_number(value, 7) + "<br><small>" + percent(sum > 0 ? value / sum : 0) + "</small></td>";
    }
    out += "</tr>";
  }
  return out + "</table></div>";
}

std::string card(const std::string& inside) {
  return inside.empty() ? "" : "<div class=\"card\">" + inside + "</div>";
}

std::string section(const std::string& title, const std::string& text, const std::string& cards) {
  if (cards.empty()) return "";
  return "<h2>" + title + "</h2>" + (text.empty() ? "" : "<p class=\"soft\">" + text + "</p>") +
         "<div class=\"grid2\">" + cards + "</div>";
}

std::string learning_cards(const Json& learning) {
  std::string out = card(learning_chart("Pretraining on the provider's data", member(learning, "pretrain")));
  for (const Named& setting : kSettings) {
    out += card(learning_chart(setting.title, member(learning, setting.key)));
  }
  return out;
}

/// One line of the list of facts; left out where any of its values is missing.
void fact(std::string& out, const std::string& name, std::initializer_list<std::string> texts_and_values) {
  std::string line;
  bool is_value = true;
  for (const std::string& part : texts_and_values) {
    if (is_value && part.empty()) return;
    line += part;
    is_value = !is_value;
  }
  out += "<dt>" + name + "</dt><dd>" + line + "</dd>";
}

std::string facts(const Json& evaluation) {
  const Json& model = member(evaluation, "model");
  const Json& parameters = member(evaluation, "parameters");
  const Json& agreement = member(evaluation, "agreement");
  const Json& machine = member(evaluation, "machine");
  const auto own = [&](const char* key) { return text_at(evaluation, key); };
  std::string out = "<div class=\"card\"><dl>";
  for (const auto& [side, name] : {std::pair("source", "provider's data"), {"target", "client's data"}}) {
    const Json& data = member(evaluation, side);
    fact(out, name, {text_at(data, "name"), ", ", text_at(data, "rows"), " rows"});
  }
  fact(out, "model", {text_at(model, "name"), " ", text_at(model, "digest")});
  fact(out, "embedder", {text_at(model, "embedder")});
  if (const auto accuracy = number_at(model, "validation_accuracy")) {
    fact(out, "validation accuracy", {percent(*accuracy), " on the provider's data"});
  }
  if (const Json& privacy = member(model, "privacy"); privacy.is_object()) {
    fact(out, "privacy of the provider's data", {text_at(privacy, "in_words")});
  }
  fact(out, "encryption",
       {text_at(parameters, "ring_degree"), " coefficients (CKKS), log2 QP = ", text_at(parameters, "log_qp"),
        ", ", text_at(parameters, "security_bits"), "-bit classical security (2024 guideline)"});
  fact(out, "error of a feature",
       {own("max_feature_error"), " measured, at most ", own("predicted_error"), " predicted"});
  fact(out, "agreement of plain and encrypted",
       {text_at(agreement, "labels_equal"), " of ", text_at(agreement, "rows"),
        " labels equal; scores differ by at most ", text_at(agreement, "max_score_difference")});
  fact(out, "rows clipped, rows flagged", {own("clipped_rows"), ", ", own("flagged_rows")});
  if (number_at(evaluation, "round_trip_ms")) {
    fact(out, "a pass on the client's side",
         {own("client_encrypt_ms"), " ms to encrypt, ", own("round_trip_ms"), " ms round trip, ",
          own("client_decrypt_ms"), " ms to decrypt"});
  }
  if (number_at(evaluation, "cached").value_or(0) > 0) {
    fact(out, "rows from the cache", {own("cached"), "; the others alone are in the times of a pass"});
  }
  fact(out, "head chosen", {text_at(member(evaluation, "heads"), "reason")});
  fact(out, "machine",
       {text_at(machine, "cpu"), ", ", text_at(machine, "isa"),
        ", server threads: ", text_at(machine, "server_threads")});
  return out + "</dl></div>";
}

/// Nothing of batches, where every input has the same share.
std::string latency_chart(const Json& evaluation) {
  std::vector<double> latency;
  for (const Json& value : member(evaluation, "latency_ms")) {
    if (value.is_number()) latency.push_back(value.get<double>());
  }
  if (latency.size() < 2 || text_at(evaluation, "mode") == "batch") return "";
  return histogram("Time of an encrypted pass on the server", "milliseconds", latency);
}

}  // namespace

std::string report_html(const Json& evaluation) {
  if (!member(evaluation, "rows").is_array() || evaluation["rows"].empty()) {
    throw Error(ErrorCode::invalid_argument, "report: the evaluation has no rows");
  }
  const Json& curves = member(evaluation, "curves");
  const Json& shots = member(evaluation, "shots");
  const Axis unit{"", 0.0, 1.0, false, false, {0, 0.2, 0.4, 0.6, 0.8, 1}};
  const auto labelled = [&](const char* label) {
    Axis axis = unit;
    axis.label = label;
    return axis;
  };
  const bool several = label_count(evaluation) > 2;
  std::ostringstream out;
  out << "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width,"
         "initial-scale=1\"><title>CryptoTL report</title><style>"
      << kStyle
      << "</style></head><body><main><h1>Private transfer learning, measured</h1><p class=\"soft\">A "
         "provider trained a lower network on "
      << text_at(member(evaluation, "source"), "rows") << " rows of "
      << text_at(member(evaluation, "source"), "name") << ". A client used it on "
      << text_at(member(evaluation, "target"), "rows") << " rows of "
      << text_at(member(evaluation, "target"), "name")
      << " that the provider saw only as ciphertexts; the client alone held the key.</p>" << tiles(evaluation)
      << "<h2>All labels: four ways to the same classifier</h2>" << settings_table(evaluation);
  out << section("Few labels: where transfer earns its keep",
                 "Every head is tuned with the same care; the test rows are fixed, the labelled rows drawn "
                 "again and again. "
                 "Features came through encryption.",
                 shots.is_array() ? card(few_shot_chart(shots)) + card(difference_chart(shots)) : "");
  out << section(
      "Ranking and mistakes", "",
      card(curve_chart(curves, "roc",
                       {several ? "ROC, mean over the labels" : "ROC",
                        labelled("false positive rate"),
                        labelled("true positive rate"),
                        {}})) +
          card(curve_chart(curves, "precision_recall",
                           {several ? "Precision and recall, mean over the labels" : "Precision and recall",
                            labelled("recall"),
                            labelled("precision"),
                            {}})) +
          card(confusion(member(evaluation, "confusion"))) + card(latency_chart(evaluation)));
  out << section("Learning curves", "", learning_cards(member(evaluation, "learning")));
  out << "<h2>How it was made</h2>" << facts(evaluation) << "</main></body></html>\n";
  return out.str();
}

}  // namespace cryptotl
