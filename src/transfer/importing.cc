#include "cryptotl/transfer/importing.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/base/file.h"
#include "cryptotl/data/labels.h"
#include "cryptotl/network/npz.h"
#include "cryptotl/network/onnx.h"
#include "cryptotl/plan/planner.h"
#include "statistics.h"

namespace cryptotl {
namespace {

constexpr std::string_view kZipMagic = "PK\x03\x04";

template <typename T>
T of_file(const std::string& source, Result<T> result) {
  if (!result.ok()) throw in_file(source, result.error());
  return *std::move(result);
}

// ---- The head.

bool has_activation(const Network& network) {
  return !std::ranges::all_of(network.layers, [](const Layer& layer) {
    const auto* polynomial = std::get_if<Polynomial>(&layer);
    return std::holds_alternative<Conv1D>(layer) || std::holds_alternative<Dense>(layer) ||
           std::holds_alternative<AveragePool1D>(layer) ||
           (polynomial != nullptr && polynomial->coefficients.size() <= 2);
  });
}

/// Of two outputs behind a softmax the difference says all, as the one output behind a sigmoid does.
Dense with_one_score(const Dense& two) {
  Dense out{Matrix(1, two.weight.cols), {two.bias[1] - two.bias[0]}};
  for (size_t i = 0; i < two.weight.cols; ++i) out.weight(0, i) = two.weight(1, i) - two.weight(0, i);
  return out;
}

/// Whether the network's last layers, `squash` among them where it ends so, are a head.
bool ends_in_head(const Network& network, bool has_squash, bool softmax, HeadCut cut) {
  const size_t behind = has_squash ? 1 : 0;
  if (cut == HeadCut::none || network.layers.size() < behind + 1) return false;
  const auto* dense = std::get_if<Dense>(&network.layers[network.layers.size() - behind - 1]);
  if (dense == nullptr) return false;
  if (cut == HeadCut::last_layer) return true;
  Network before = network;
  before.layers.resize(network.layers.size() - behind - 1);
  return has_activation(before) && (dense->weight.rows == 1 || softmax);
}

/// Takes the head off `network`, where it has one that `cut` means.
std::optional<Dense> take_head(Network& network, HeadCut cut) {
  const Layer* last = network.layers.empty() ? nullptr : &network.layers.back();
  const bool softmax = last != nullptr && std::holds_alternative<Softmax>(*last);
  const bool squash = softmax || (last != nullptr && std::holds_alternative<Sigmoid>(*last));
  if (!ends_in_head(network, squash, softmax, cut)) {
    if (cut != HeadCut::last_layer) return std::nullopt;
    throw Error(ErrorCode::invalid_argument, "the network does not end in a Dense layer, which a head is");
  }
  if (squash) network.layers.pop_back();
  Dense head = std::get<Dense>(std::move(network.layers.back()));
  network.layers.pop_back();
  return head.weight.rows == 2 ? with_one_score(head) : head;
}

// ---- The inputs.

/// The network for rows that `scaler` has scaled, from one that takes them as they were.
void unscale_inputs(Network& network, const MinMaxScaler& scaler) {
  const size_t width = network.input_width;
  std::vector<double> range(width);
  for (size_t i = 0; i < width; ++i) {
    range[i] = scaler.maximum[i] - scaler.minimum[i];
    if (range[i] == 0) range[i] = 1;  // as the scaler has it
  }
  if (network.layers.empty() || !std::holds_alternative<Dense>(network.layers.front())) {
    Dense diagonal{Matrix(width, width), std::vector<double>(width)};
    for (size_t i = 0; i < width; ++i) diagonal.weight(i, i) = 1;
    network.layers.insert(network.layers.begin(), std::move(diagonal));
  }
  Dense& first = std::get<Dense>(network.layers.front());
  for (size_t row = 0; row < first.weight.rows; ++row) {
    for (size_t i = 0; i < width; ++i) {
      first.bias[row] += first.weight(row, i) * scaler.minimum[i];
      first.weight(row, i) *= range[i];
    }
  }
}

void require_width(const ForeignWeights& weights, const Examples& rows) {
  if (rows.embeddings.cols == weights.network.input_width) return;
  throw Error(ErrorCode::parameter_mismatch, rows.source + " has " + std::to_string(rows.embeddings.cols) +
                                                 " feature columns; the network of " + weights.source +
                                                 " takes " + std::to_string(weights.network.input_width));
}

// ---- The labels and what the head makes of the rows.

size_t classes_of(const Dense& head) { return head.weight.rows == 1 ? 2 : head.weight.rows; }

LabelSet labels_of(const Examples& rows, const std::optional<Dense>& head) {
  LabelSet out;
  if (!rows.labels.empty()) {
    out = index_labels(rows.labels, rows.source).value();
    if (head && out.names.size() != classes_of(*head)) {
      throw Error(ErrorCode::malformed, rows.source + " has " + std::to_string(out.names.size()) +
                                            " labels, but the network's head tells " +
                                            std::to_string(classes_of(*head)) + " apart");
    }
  } else if (head) {
    for (size_t i = 0; i < classes_of(*head); ++i) out.names.push_back(std::to_string(i));
  }
  return out;
}

double accuracy_of(const Dense& head, const Matrix& features, std::span<const int> labels) {
  const Matrix scores = forward(Network{features.cols, {head}}, features);
  size_t right = 0;
  for (size_t row = 0; row < scores.rows; ++row) {
    const auto score = scores.row(row);
    const auto best =
        score.size() == 1 ? (score[0] > 0 ? 1 : 0) : std::ranges::max_element(score) - score.begin();
    if (best == labels[row]) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(scores.rows);
}

void describe_features(const Matrix& features, Model& model) {
  const auto rows = static_cast<double>(features.rows);
  model.feature_mean.assign(features.cols, 0);
  model.feature_deviation.assign(features.cols, 0);
  for (size_t r = 0; r < features.rows; ++r) {
    for (size_t c = 0; c < features.cols; ++c) model.feature_mean[c] += features(r, c) / rows;
  }
  for (size_t r = 0; r < features.rows; ++r) {
    for (size_t c = 0; c < features.cols; ++c) {
      model.feature_deviation[c] += std::pow(features(r, c) - model.feature_mean[c], 2) / rows;
    }
  }
  for (double& variance : model.feature_deviation) variance = std::sqrt(variance);
}

nlohmann::json record_of(const ForeignWeights& weights, const Examples& rows, const ImportedModel& made) {
  nlohmann::json activations = nlohmann::json::array();
  for (const ReplacedActivation& activation : made.activations) {
    activations.push_back({{"layer", activation.layer + 1},
                           {"function", activation.function},
                           {"range", {activation.interval.low, activation.interval.high}},
                           {"degree", activation.degree},
                           {"max_error", activation.max_error}});
  }
  return {{"imported_from", std::filesystem::path(weights.source).filename().string()},
          {"rows", rows.rows()},
          {"replaced_activations", std::move(activations)},
          {"feature_change", made.feature_change}};
}

}  // namespace

Result<ForeignWeights> read_weights(const std::filesystem::path& path) {
  const auto bytes = read_file(path, std::max(kMaxOnnxBytes, kMaxNpzBytes));
  if (!bytes.ok()) return bytes.error();
  if (as_text(*bytes).starts_with(kZipMagic)) {
    auto read = read_npz(*bytes, path);
    if (!read.ok()) return read.error();
    return ForeignWeights{path.string(), std::move(read->lower), std::move(read->output_layer),
                          std::move(read->scaler), true};
  }
  auto read = read_onnx(*bytes);
  if (!read.ok()) return in_file(path.string(), read.error());
  return ForeignWeights{path.string(), std::move(read->network), std::nullopt, std::nullopt, false};
}

ImportedModel import_model(const ForeignWeights& weights, const Examples& rows, const ImportOptions& options,
                           const ProgressFunction& progress) {
  constexpr size_t kSteps = 4;
  const auto step = [&progress](size_t done) {
    if (progress) progress(done, kSteps);
  };
  require_width(weights, rows);
  ImportedModel out;
  Model& model = out.model;
  Network network = weights.network;
  std::optional<Dense> head = weights.output_layer;
  if (head && head->weight.rows == 2) head = with_one_score(*head);
  if (!weights.keeps_head_apart) {
    try {
      head = take_head(network, options.head);
    } catch (const Error& error) {
      throw in_file(weights.source, error);
    }
  }
  const LabelSet labels = labels_of(rows, head);
  model.name = options.name;
  model.embedder = rows.embedder;
  model.labels = labels.names;
  model.scaler = weights.scaler ? *weights.scaler : MinMaxScaler::fit(rows.embeddings);
  if (!weights.scaler && !options.takes_scaled_rows) unscale_inputs(network, model.scaler);
  Matrix scaled = rows.embeddings;
  model.scaler.apply(scaled);
  step(1);

  Replacement replaced =
      of_file(weights.source, replace_activations(network, scaled, options.degree, options.margin));
  model.lower = std::move(replaced.network);
  out.activations = std::move(replaced.activations);
  const FoldedNetwork folded = of_file(weights.source, fold(model.lower));
  step(2);

  model.calibration = calibrate(folded, scaled);
  out.plan = of_file(weights.source, plan_latency(folded, model.calibration));
  step(3);

  const Matrix own = forward(network, scaled);
  const Matrix features = forward(model.lower, scaled);
  out.feature_change = largest_difference(own, features);
  describe_features(features, model);
  if (head && !rows.labels.empty()) {
    out.accuracy = accuracy_of(*head, own, labels.index);
    out.replaced_accuracy = accuracy_of(*head, features, labels.index);
  }
  if (head && options.publish_output_layer) {
    model.output_layer = *head;
    model.score_calibration = calibrate(append(folded, *head), scaled);
  }
  model.training = record_of(weights, rows, out);
  step(kSteps);
  return out;
}

}  // namespace cryptotl
