#include "cryptotl/transfer/evaluation.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cryptotl/base/stopwatch.h"
#include "cryptotl/data/labels.h"
#include "cryptotl/learn/cross_validation.h"
#include "cryptotl/learn/curves.h"
#include "cryptotl/learn/few_shot.h"
#include "cryptotl/learn/folds.h"
#include "cryptotl/rns/kernels.h"
#include "cryptotl/transfer/fitting.h"
#include "cryptotl/transfer/passes.h"
#include "cryptotl/transfer/pretraining.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "cryptotl/transfer/server_process.h"
#include "cryptotl/transfer/temporary_folder.h"
#include "transfer/statistics.h"

namespace cryptotl {
namespace {

using Json = nlohmann::json;

constexpr size_t kCurvePoints = 200;

/// The target rows that everything is measured on, with their features both ways.
struct Target {
  LabelSet labels;
  Matrix embeddings;
  Matrix scaled;  ///< within the plan's input range
  Matrix encrypted_features;
  Matrix plain_features;  ///< of the same scaled rows, in double precision
};

class Evaluation {
 public:
  Evaluation(const Examples& source, const Examples& target, const EvaluationOptions& options)
      : source_(source), examples_(target), options_(options) {}

  Json run() {
    const Stopwatch time;
    check_data();
    json_ = {{"folds", options_.folds},
             {"draws", options_.shots.empty() ? 0 : options_.draws},
             {"seed", options_.seed},
             {"source", table_json(source_)},
             {"target", table_json(examples_)},
             {"seconds", Json::object()},
             {"rows", Json::array()}};
    pretrain();
    extract();
    compare_settings();
    if (wants("heads")) compare_heads();
    compare_shots();
    json_["seconds"]["total"] = time.seconds();
    if (cache_ && !options_.keep_cache) cache_->forget();
    return std::move(json_);
  }

 private:
  bool wants(const std::string& part) const { return std::ranges::count(options_.parts, part) > 0; }

  static Json table_json(const Examples& examples) {
    return {{"name", examples.source},
            {"rows", examples.rows()},
            {"columns", examples.embeddings.cols},
            {"labels", examples.label_counts()}};
  }

  void check_data() const {
    index_labels(examples_.labels, examples_.source).value();
    for (const auto& [label, rows] : examples_.label_counts()) {
      // In every fold, two rows to train on: one of them validates.
      const size_t held_out = (rows + options_.folds - 1) / options_.folds;
      if (rows >= held_out + 2) continue;
      throw Error(ErrorCode::malformed, examples_.source + ": label '" + label + "' has " +
                                            std::to_string(rows) +
                                            " rows, which leave fewer than 2 outside " + "one of " +
                                            std::to_string(options_.folds) + " folds");
    }
    require_embedder(examples_, source_.embedder).value();
  }

  TrainingOptions training() const {
    TrainingOptions out = options_.training;
    out.seed = options_.seed;
    return out;
  }

  void pretrain() {
    const Stopwatch time;
    ProgressBar bar("pretraining", options_.quiet);
    PretrainingOptions options;
    options.training = training();
    options.shape = options_.shape;
    options.train_activation = options_.train_activation;
    options.replacement = options_.replacement;
    options.privacy = options_.privacy;
    options.range = options_.range;
    PretrainedModel made = pretrain_model(source_, options, bar.function());
    model_ = std::move(made.model);
    json_["seconds"]["pretrain"] = time.seconds();
    json_["model"] = {
        {"name", model_.name}, {"digest", hex(model_digest(model_))}, {"embedder", model_.embedder.name}};
    if (made.privacy) {
      json_["model"]["privacy"] = model_.privacy;
      json_["model"]["privacy"]["in_words"] = privacy_text(*made.privacy);
    } else {
      json_["model"]["validation_accuracy"] = made.pretrained.validation_accuracy;
      json_["model"]["validation_loss"] = made.pretrained.validation_loss;
    }
    if (made.pretrained.replacement)
      json_["model"]["replacement"] = replacement_json(*made.pretrained.replacement);
    Json curve = Json::array();
    for (const Epoch& epoch : made.pretrained.curve) curve.push_back(epoch_json(curve.size() + 1, epoch));
    json_["learning"]["pretrain"] = std::move(curve);
  }

  void extract() {
    const Stopwatch time;
    std::error_code failure;
    const auto parent =
        options_.work_folder.empty() ? std::filesystem::temp_directory_path(failure) : options_.work_folder;
    const TemporaryFolder folder = TemporaryFolder::make(parent, "cryptotl-").value();
    save_model(folder.path() / "model", model_).value();
    ServerProcessOptions process = {options_.server_program, folder.path() / "model", folder.path() / "keys",
                                    options_.server_threads, options_.precision};
    if (options_.feature_noise > 0)
      process.more = {"--feature-noise", Json(options_.feature_noise).dump()};  // all digits
    const auto server = ServerProcess::start(process).value();
    ServiceClient client = ServiceClient::connect(server->url()).value();
    metadata_ = client.metadata();
    const ClientKeys keys = ClientKeys::generate(metadata_);
    keys.upload(client).value();
    if (!options_.cache.empty())
      cache_ = FeatureCache::open(options_.cache, metadata_, options_.cache_limit).value();
    const Extraction extraction = run_passes(client, keys, examples_, cache_ ? &*cache_ : nullptr,
                                             {options_.mode, options_.use_tickets, options_.quiet});
    json_["seconds"]["extract"] = time.seconds();
    take_target(extraction);
    report_passes(extraction);
  }

  void take_target(const Extraction& extraction) {
    const std::vector<size_t> rows = extraction.usable();
    target_.labels = index_labels(examples_.labels, examples_.source).value();
    target_.labels.index = take(target_.labels.index, rows);
    target_.embeddings = take_rows(examples_.embeddings, rows);
    target_.scaled = scale_rows(metadata_, target_.embeddings).rows;
    target_.encrypted_features = take_rows(extraction.features, rows);
    target_.plain_features = forward(model_.lower, target_.scaled);
  }

  /// Nothing was measured where every row came from the cache.
  static Json median_or_null(const std::vector<double>& times) {
    return times.empty() ? Json() : Json(median(times));
  }

  void report_passes(const Extraction& extraction) {
    const Params& params = *metadata_.params;
    json_["machine"] = {{"cpu", processor_name()},
                        {"isa", kernels().name},
                        {"threads", std::thread::hardware_concurrency()},
                        {"server_threads", options_.server_threads}};
    json_["parameters"] = {
        {"ring_degree", params.n()}, {"log_qp", params.log_qp()}, {"security_bits", params.security_bits()}};
    json_["max_feature_error"] = largest_difference(target_.encrypted_features, target_.plain_features);
    json_["predicted_error"] = metadata_.predicted_error();
    json_["feature_noise"] = metadata_.plan.output_noise;
    json_["flagged_rows"] = extraction.flagged.size() - target_.embeddings.rows;
    json_["clipped_rows"] =
        std::ranges::count_if(extraction.clipped, [](size_t values) { return values > 0; });
    json_["cached"] = extraction.cached;
    json_["prepared"] = extraction.prepared;
    json_["mode"] = name(extraction.batched ? Mode::batch : Mode::latency);
    json_["cache_warnings"] = extraction.cache_warnings;
    json_["ms_per_pass"] = median_or_null(extraction.times.server);
    json_["round_trip_ms"] = median_or_null(extraction.times.round_trip);
    json_["client_encrypt_ms"] = median_or_null(extraction.times.encrypt);
    json_["client_decrypt_ms"] = median_or_null(extraction.times.decrypt);
    json_["latency_ms"] = extraction.times.server;
    report_bytes(extraction);
  }

  /// Of an input by itself or, where they went in batches, its share.
  void report_bytes(const Extraction& extraction) {
    if (!extraction.batched) {
      json_["request_bytes"] = metadata_.request_bytes();
      json_["response_bytes"] = metadata_.response_bytes();
      json_["evaluation_key_bytes"] = metadata_.evaluation_key_bytes();
      return;
    }
    const size_t samples = extraction.times.server.size();
    size_t requests = 0, responses = 0, keys = 0;
    size_t previous = metadata_.batches.size();
    for (const size_t kind : batches_of(metadata_.batches, samples)) {
      const BatchMetadata& offer = metadata_.batches[kind];
      requests += offer.request_bytes();
      responses += offer.response_bytes();
      keys += kind == previous ? 0 : offer.key_bytes();
      previous = kind;
    }
    json_["request_bytes"] = requests / samples;
    json_["response_bytes"] = responses / samples;
    json_["evaluation_key_bytes"] = keys;
  }

  // --- The four settings
  // -------------------------------------------------------------------------------------------

  void compare_settings() {
    const Stopwatch time;
    CrossValidationOptions options;
    options.folds = options_.folds;
    options.seed = options_.seed;
    options.training = training();
    const std::vector<int>& labels = target_.labels.index;
    ProgressBar bar("cross-validation", options_.quiet);
    const auto settings = std::ranges::count_if(
        kEvaluationParts, [&](const std::string& part) { return part != "heads" && wants(part); });
    size_t settings_done = 0;
    const ProgressFunction progress = [&](size_t done, size_t total) {
      bar.update(settings_done * total + done, static_cast<size_t>(settings) * total);
    };
    const auto add = [&](const std::string& setting, const auto& cross_validate) {
      if (!wants(setting)) return;
      const CrossValidation result = cross_validate();
      ++settings_done;
      add_setting(setting, result);
    };
    const auto whole = [&](bool polynomial) {
      return cross_validate_whole(target_.scaled, labels, polynomial, options, progress);
    };
    const auto upper = [&](const Matrix& features) {
      return cross_validate_upper(features, labels, options, progress);
    };
    add("plain", [&] { return whole(false); });
    add("plain_polynomial", [&] { return whole(true); });
    add("transfer_plain", [&] { return upper(target_.plain_features); });
    add("transfer_encrypted", [&] { return upper(target_.encrypted_features); });
    json_["seconds"]["folds"] = time.seconds();
  }

  void add_setting(const std::string& setting, const CrossValidation& result) {
    Json row = {{"setting", setting}};
    const auto add = [&](const std::string& metric, double Metrics::*member) {
      row[metric + "_mean"] = result.summary.mean.*member;
      row[metric + "_std"] = result.summary.deviation.*member;
    };
    add("loss", &Metrics::loss);
    add("accuracy", &Metrics::accuracy);
    add("balanced_accuracy", &Metrics::balanced_accuracy);
    add("f1", &Metrics::f1);
    add("precision", &Metrics::precision);
    add("recall", &Metrics::recall);
    add("kappa", &Metrics::kappa);
    add("roc_auc", &Metrics::roc_auc);
    add("pr_auc", &Metrics::pr_auc);
    json_["rows"].push_back(std::move(row));
    json_["learning"][setting] = mean_curve(result.curves);
    add_curves(setting, result.scores);
    if (setting == "transfer_encrypted") add_confusion(result.scores);
  }

  void add_curves(const std::string& setting, const Matrix& all_scores) {
    const std::vector<int>& labels = target_.labels.index;
    const bool binary = all_scores.cols == 1;
    json_["curves"][setting] = {
        {"roc", points(binary ? roc_curve(all_scores.values, labels) : mean_roc_curve(all_scores, labels))},
        {"precision_recall", points(binary ? precision_recall_curve(all_scores.values, labels)
                                           : mean_precision_recall_curve(all_scores, labels))}};
  }

  void add_confusion(const Matrix& all_scores) {
    const Matrix counts = confusion_matrix(all_scores, target_.labels.index);
    Json rows = Json::array();
    for (size_t i = 0; i < counts.rows; ++i) {
      Json row = Json::array();
      for (const double count : counts.row(i)) row.push_back(static_cast<size_t>(count));
      rows.push_back(std::move(row));
    }
    json_["confusion"] = {{"labels", target_.labels.names}, {"counts", std::move(rows)}};
  }

  static Json epoch_json(size_t number, const Epoch& epoch) {
    return {{"epoch", number}, {"train_loss", epoch.train_loss}, {"validation_loss", epoch.validation_loss}};
  }

  /// Mean over the folds that still trained in that epoch.
  static Json mean_curve(const std::vector<std::vector<Epoch>>& folds) {
    Json out = Json::array();
    for (size_t i = 0;; ++i) {
      Epoch sum;
      double count = 0;
      for (const std::vector<Epoch>& fold : folds) {
        if (i >= fold.size()) continue;
        sum.train_loss += fold[i].train_loss;
        sum.validation_loss += fold[i].validation_loss;
        ++count;
      }
      if (count == 0) return out;
      out.push_back(epoch_json(i + 1, {sum.train_loss / count, sum.validation_loss / count, 0}));
    }
  }

  /// At most about kCurvePoints of them, ends included.
  static Json points(const std::vector<CurvePoint>& curve) {
    Json out = Json::array();
    const size_t step = std::max<size_t>(1, curve.size() / kCurvePoints);
    for (size_t i = 0; i < curve.size(); ++i) {
      if (i % step == 0 || i + 1 == curve.size()) out.push_back({curve[i].x, curve[i].y});
    }
    return out;
  }

  // --- Heads
  // -------------------------------------------------------------------------------------------------------

  void compare_heads() {
    const std::vector<int>& labels = target_.labels.index;
    const ProviderKnowledge provider = provider_knowledge(metadata_, target_.labels.names);
    ProgressBar bar("choosing a head", options_.quiet);
    HeadOptions options;
    options.seed = options_.seed;
    const Head chosen =
        train_head(target_.embeddings, target_.encrypted_features, labels, provider, options, bar.function());
    json_["heads"] = {{"chosen", name(chosen.kind)}, {"reason", chosen.reason}};
    options.kind = HeadKind::linear;  // the head that features move most: nothing else is in it
    add_agreement(train_head(target_.embeddings, target_.encrypted_features, labels, provider, options));
  }

  /// One head on plain and on decrypted features of the same rows.
  void add_agreement(const Head& head) {
    TrainedHead trained;
    trained.head = head;
    trained.labels = target_.labels.names;
    trained.predicted_error = metadata_.predicted_error();
    const Matrix plain = scores(head, target_.embeddings, target_.plain_features);
    const Matrix encrypted = scores(head, target_.embeddings, target_.encrypted_features);
    const std::vector<int> plain_calls = called_classes(plain);
    const std::vector<int> encrypted_calls = called_classes(encrypted);
    size_t equal = 0, clear = 0, clear_equal = 0;
    for (size_t i = 0; i < plain.rows; ++i) {
      const bool same = plain_calls[i] == encrypted_calls[i];
      const bool beyond = margin(plain.row(i)) > 2 * trained.logit_bound();
      equal += same ? 1 : 0;
      clear += beyond ? 1 : 0;
      clear_equal += same && beyond ? 1 : 0;
    }
    json_["agreement"] = {{"head", name(head.kind)},
                          {"rows", plain.rows},
                          {"labels_equal", equal},
                          {"rows_beyond_margin", clear},
                          {"labels_equal_beyond_margin", clear_equal},
                          {"max_score_difference", largest_difference(plain, encrypted)},
                          {"score_bound", trained.score_bound()}};
  }

  /// How far the logits of the two likeliest classes lie apart.
  static double margin(std::span<const double> row) {
    if (row.size() == 1) return std::abs(std::log(row[0]) - std::log1p(-row[0]));
    std::vector<double> sorted(row.begin(), row.end());
    std::ranges::sort(sorted, std::greater<>());
    return std::log(sorted[0]) - std::log(sorted[1]);
  }

  void compare_shots() {
    json_["shots"] = Json::array();
    if (options_.shots.empty()) return;
    const Stopwatch time;
    FewShotData data;
    data.embeddings = target_.embeddings;
    data.features = target_.encrypted_features;
    data.random_features =
        forward(lower_network(target_.scaled.cols, options_.shape, options_.seed + 1), target_.scaled);
    data.labels = target_.labels.index;
    data.provider = provider_knowledge(metadata_, target_.labels.names);
    FewShotOptions options;
    options.shots = options_.shots;
    options.draws = options_.draws;
    options.seed = options_.seed;
    ProgressBar bar("few-shot draws", options_.quiet);
    const FewShotReport report = few_shot(data, options, bar.function());
    for (const FewShotRow& row : report.rows) {
      json_["shots"].push_back({{"head", row.head == "random" ? "random_lower" : row.head},
                                {"n", row.shots},
                                {"balanced_accuracy_mean", row.balanced_accuracy_mean},
                                {"balanced_accuracy_std", row.balanced_accuracy_deviation},
                                {"difference_to_local_mean", row.difference_to_local_mean},
                                {"difference_to_local_low", row.difference_to_local_low},
                                {"difference_to_local_high", row.difference_to_local_high}});
    }
    json_["test_rows"] = report.test_rows;
    json_["seconds"]["shots"] = time.seconds();
  }

  const Examples& source_;
  const Examples& examples_;
  const EvaluationOptions& options_;
  Model model_;
  ModelMetadata metadata_;
  std::optional<FeatureCache> cache_;
  Target target_;
  Json json_;
};

}  // namespace

Json evaluate(const Examples& source, const Examples& target, const EvaluationOptions& options) {
  return Evaluation(source, target, options).run();
}

}  // namespace cryptotl
