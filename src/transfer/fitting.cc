#include "cryptotl/transfer/fitting.h"

#include <algorithm>
#include <charconv>

#include "cryptotl/data/labels.h"
#include "cryptotl/transfer/encrypted_examples.h"
#include "cryptotl/transfer/passes.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "transfer/statistics.h"

namespace cryptotl {
namespace {

Extraction extract_all(Session& session, const Examples& examples, bool quiet) {
  std::optional<FeatureCache> cache = session.open_cache();
  return run_passes(session.client, session.keys, examples, cache ? &*cache : nullptr,
                    {session.mode, session.use_tickets, quiet});
}

void require_rows_of_each_class(const LabelSet& labels, const std::vector<size_t>& rows) {
  std::vector<size_t> counts(labels.names.size());
  for (const size_t row : rows) ++counts[static_cast<size_t>(labels.index[row])];
  for (size_t label = 0; label < counts.size(); ++label) {
    if (counts[label] < 2) {
      throw Error(ErrorCode::malformed, "label '" + labels.names[label] + "' has " +
                                            std::to_string(counts[label]) +
                                            " usable rows; a head needs at least 2 of each label");
    }
  }
}

std::vector<size_t> all_rows(size_t count) {
  std::vector<size_t> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = i;
  return rows;
}

/// The rows of `features` that are flagged as zeros.
Matrix with_zeros(Matrix features, const std::vector<bool>& flagged) {
  for (size_t row = 0; row < features.rows; ++row) {
    if (flagged[row]) std::ranges::fill(features.row(row), 0.0);
  }
  return features;
}

/// Statistics of features whose provider publishes none, from the plan alone: the limit is twice the largest
/// feature of its calibration, and that some 4 deviations.
void assume_statistics(ProviderKnowledge& provider, const LatencyPlan& plan) {
  if (!provider.feature_deviation.empty()) return;
  provider.feature_mean.assign(plan.output_width(), 0);
  provider.feature_deviation.assign(plan.output_width(), plan.output_limit / 8);
}

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string shortest(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return std::string(text.data(), end);
}

/// The provider's output layer for these labels out of its own; none where another is among them.
std::optional<Dense> output_layer_for(const Dense& layer, const std::vector<std::string>& own,
                                      const std::vector<std::string>& labels) {
  if (own == labels) return layer;
  if (layer.weight.rows != own.size()) return {};
  Dense out{Matrix(labels.size(), layer.weight.cols), std::vector<double>(labels.size())};
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto found = std::ranges::find(own, labels[i]);
    if (found == own.end()) return {};
    const auto row = static_cast<size_t>(found - own.begin());
    std::ranges::copy(layer.weight.row(row), out.weight.row(i).begin());
    out.bias[i] = layer.bias[row];
  }
  if (labels.size() > 2) return out;
  Dense difference{Matrix(1, layer.weight.cols), {out.bias[1] - out.bias[0]}};
  for (size_t c = 0; c < layer.weight.cols; ++c)
    difference.weight(0, c) = out.weight(1, c) - out.weight(0, c);
  return difference;
}

}  // namespace

ProviderKnowledge provider_knowledge(const ModelMetadata& model, const std::vector<std::string>& labels) {
  ProviderKnowledge out{model.feature_mean, model.feature_deviation, {}};
  if (model.output_layer) out.output_layer = output_layer_for(*model.output_layer, model.labels, labels);
  return out;
}

Result<Session> Session::open(const std::string& url, const std::filesystem::path& folder,
                              const SessionOptions& options) {
  ClientOptions client_options;
  client_options.answers = options.answers;
  client_options.patience = options.patience;
  client_options.on_wait = options.on_wait;
  auto client = ServiceClient::connect(url, client_options);
  if (!client.ok()) return client.error();
  auto keys = ClientKeys::open(folder, client->metadata());
  if (!keys.ok()) return keys.error();
  std::filesystem::path cache;
  if (options.use_cache) {
    cache = options.cache_file.empty() ? folder / kFeatureCacheFile : options.cache_file;
    CRYPTOTL_TRY(check_feature_cache(cache));
  }
  CRYPTOTL_TRY(keys->upload(*client));
  return Session{*std::move(client),  *std::move(keys),    std::move(cache),
                 options.cache_limit, options.use_tickets, options.mode};
}

std::optional<FeatureCache> Session::open_cache() const {
  if (cache_file.empty()) return std::nullopt;
  return FeatureCache::open(cache_file, client.metadata(), cache_limit).value();
}

FitResult fit_head_to(const Examples& examples, Session* session, const FitOptions& options) {
  if (examples.encrypted) require_features_alone(examples.source, options.kind).value();
  const LabelSet labels = index_labels(examples.labels, examples.source).value();
  FitResult out;
  out.trained.asked = options.kind;
  out.trained.labels = labels.names;
  out.trained.embedder = examples.embedder;
  std::vector<size_t> rows = all_rows(examples.rows());
  require_rows_of_each_class(labels, rows);
  Matrix features;
  ProviderKnowledge provider;
  if (session != nullptr) {
    const ModelMetadata& model = session->client.metadata();
    require_embedder(examples, model.embedder).value();
    out.extraction = extract_all(*session, examples, options.quiet);
    out.warnings = out.extraction->warnings(model);
    provider = provider_knowledge(model, labels.names);
    if (options.privacy) {
      features = with_zeros(out.extraction->features, out.extraction->flagged);
      assume_statistics(provider, model.plan);
    } else {
      rows = out.extraction->usable();
      if (rows.size() < examples.rows()) out.warnings.push_back("these rows are left out of the training");
      require_rows_of_each_class(labels, rows);
      features = take_rows(out.extraction->features, rows);
    }
    out.trained.model = model.model_digest;
    out.trained.feature_width = model.plan.output_width();
    out.trained.predicted_error =
        examples.encrypted ? model.plan.predicted_error_public : model.predicted_error();
  }
  out.rows = rows.size();
  const std::vector<int> index = take(labels.index, rows);
  HeadOptions head_options;
  head_options.kind = options.kind;
  head_options.seed = options.seed;
  ProgressBar bar("training the head", options.quiet);
  if (options.privacy) {
    PrivateHead trained = train_private_head(examples.embeddings, features, index, provider, options.kind,
                                             *options.privacy, bar.function());
    out.trained.head = std::move(trained.head);
    out.trained.privacy =
        privacy_json(trained.spent, "all that this head says of the rows it was trained on");
    return out;
  }
  out.trained.head = train_head(take_rows(examples.embeddings, rows), features, index, provider, head_options,
                                bar.function());
  return out;
}

namespace {

constexpr double kReleaseTail = 6;  // deviations; beyond with probability 2e-9 a number

void require_releases(const ReleasePolicy& policy, size_t rows) {
  if (static_cast<double>(rows) <= policy.releases) return;
  throw Error(ErrorCode::invalid_argument, std::to_string(rows) + " rows; at most " +
                                               shortest(policy.releases) +
                                               " are to be released under these keys");
}

/// Puts in the place of decrypted rows what may be passed on of them; returns by how much a number may be
/// wrong then.
double release_rows(Matrix& rows, double error, const ReleasePolicy& policy, Prediction& out) {
  out.release_deviation = release_deviation(error, rows.cols, policy);
  for (size_t i = 0; i < rows.rows; ++i) {
    const std::vector<double> released = release(rows.row(i), error, policy);
    std::ranges::copy(released, rows.row(i).begin());
  }
  return error + kReleaseTail * out.release_deviation;
}

}  // namespace

Prediction predict(const TrainedHead& head, const Examples& examples, Session* session, bool quiet,
                   const std::optional<ReleasePolicy>& policy) {
  if (examples.encrypted) require_features_alone(examples.source, head.head.kind).value();
  require_embedder(examples, head.embedder).value();
  if (policy) require_releases(*policy, examples.rows());
  Prediction out;
  double error = head.predicted_error;
  out.flagged.assign(examples.rows(), false);
  Matrix features(examples.rows(), head.feature_width);
  if (session != nullptr) {
    const ModelMetadata& model = session->client.metadata();
    if (head.asks_server() && model.model_digest != head.model) {
      throw Error(ErrorCode::parameter_mismatch, "the head was fitted with model " +
                                                     hex(head.model).substr(0, 16) + "; the server's is " +
                                                     hex(model.model_digest).substr(0, 16));
    }
    out.extraction = extract_all(*session, examples, quiet);
    out.warnings = out.extraction->warnings(model);
    if (head.uses_features()) out.flagged = out.extraction->flagged;
    features = out.extraction->features;
    if (examples.encrypted) error = model.plan.predicted_error_public;
    if (policy && head.uses_features()) error = release_rows(features, error, *policy, out);
  }
  out.score_bound = head.score_bound(error);
  out.scores = scores(head.head, examples.embeddings, features);
  out.calls = calls(out.scores);
  return out;
}

namespace {

/// How far an error of every score can move a probability: the slope of a sigmoid is at most 1/4, and no
/// probability of a softmax moves by more than half of the scores' largest move.
double probability_bound(const LatencyPlan& plan, double error) {
  return error / (plan.output_width() == 1 ? 4 : 2);
}

}  // namespace

Prediction predict_server_only(const Examples& examples, Session& session, bool quiet,
                               const std::optional<ReleasePolicy>& policy) {
  const ModelMetadata& model = session.client.metadata();
  if (model.answers != Answers::scores) {
    throw Error(ErrorCode::parameter_mismatch, "the session is one for features, not for scores");
  }
  require_embedder(examples, model.embedder).value();
  if (policy) require_releases(*policy, examples.rows());
  Prediction out;
  out.extraction = extract_all(session, examples, quiet);
  out.warnings = out.extraction->warnings(model);
  out.flagged = out.extraction->flagged;
  Matrix decrypted = out.extraction->features;
  double error = examples.encrypted ? model.plan.predicted_error_public : model.plan.predicted_error;
  if (policy) error = release_rows(decrypted, error, *policy, out);
  out.score_bound = probability_bound(model.plan, error);
  Network function{model.plan.output_width(), {}};
  if (model.score_function() == "sigmoid") {
    function.layers.emplace_back(Sigmoid{});
  } else {
    function.layers.emplace_back(Softmax{});
  }
  out.scores = forward(function, decrypted);
  out.calls = calls(out.scores);
  return out;
}

std::string scores_csv(const Prediction& prediction, const std::vector<std::string>& labels) {
  std::string out = "row,label";
  if (labels.size() == 2) out += ",score";
  for (size_t c = 0; labels.size() > 2 && c < labels.size(); ++c) out += "," + quoted("score:" + labels[c]);
  out += "\n";
  for (size_t i = 0; i < prediction.calls.size(); ++i) {
    out += std::to_string(i + 1) + ",";
    if (!prediction.flagged[i]) out += quoted(labels[static_cast<size_t>(prediction.calls[i].label)]);
    // A head with a softmax may know two labels alone.
    const std::span<const double> row = prediction.scores.row(i);
    for (const double score : labels.size() == 2 ? row.last(1) : row) {
      out += ",";
      if (!prediction.flagged[i]) out += shortest(score);
    }
    out += "\n";
  }
  return out;
}

}  // namespace cryptotl
