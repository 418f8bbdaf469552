#include "transfer/private_pretraining.h"

#include <algorithm>
#include <cmath>

#include "cryptotl/data/labels.h"
#include "cryptotl/network/folding.h"
#include "cryptotl/transfer/privacy_statement.h"
#include "transfer/public_rows.h"

namespace cryptotl {
namespace {

/// What is served may lie so far beyond [0, 1]; training clips to the same.
constexpr double kBeyond = 0.5;

/// Of a row of length 1, hardly a number in 10,000 is beyond 4 deviations.
double usual_range(size_t width) { return std::min(1.0, 4 / std::sqrt(static_cast<double>(width))); }

void require_length_1(const Examples& examples) {
  constexpr double kLongest = 1.01;  // of 16-bit numbers
  for (size_t r = 0; r < examples.rows(); ++r) {
    double square = 0;
    for (const double value : examples.embeddings.row(r)) square += value * value;
    if (square <= kLongest * kLongest) continue;
    throw Error(ErrorCode::malformed,
                examples.source + ": row " + std::to_string(r + 1) +
                    " is longer than 1; private training without --range takes rows "
                    "of length 1 (give the range of your numbers, such as --range -3,3)");
  }
}

nlohmann::json training_record(const Examples& examples, const PretrainingOptions& options) {
  const PrivacyOptions& privacy = *options.privacy;
  return {{"rows", examples.rows()},
          {"learning_rate", privacy.learning_rate},
          {"steps", privacy.steps},
          {"activations", nlohmann::json::array()}};
}

Network start_of(size_t width, const PretrainingOptions& options) {
  const size_t degree = options.replacement.degree;
  if (options.network) return with_polynomials(*options.network, degree);
  LowerShape shape = options.shape;
  if (is_replaceable(shape.activation))
    shape.activation = approximate(shape.activation, {-4, 4}, degree)->polynomial;
  return private_start(width, shape);
}

}  // namespace

PretrainedModel pretrain_model_privately(const Examples& examples, const PretrainingOptions& options,
                                         const ProgressFunction& progress) {
  if (options.train_activation) {
    throw Error(ErrorCode::invalid_argument,
                "privacy: --train-activation trains without privacy; private training leaves activations as "
                "they are");
  }
  const LabelSet labels = index_labels(examples.labels, examples.source).value();
  const size_t width = examples.embeddings.cols;
  const bool of_length_1 = !options.range;
  const Interval range = options.range.value_or(Interval{-usual_range(width), usual_range(width)});
  if (of_length_1) require_length_1(examples);
  PretrainedModel out;
  Model& model = out.model;
  model.name = options.name;
  model.scaler = {std::vector<double>(width, range.low), std::vector<double>(width, range.high)};
  model.embedder = examples.embedder;
  model.labels = labels.names;
  Matrix scaled = examples.embeddings;
  model.scaler.apply(scaled);
  MinMaxScaler::clip(scaled.values, -kBeyond, 1 + kBeyond);

  const Network start = start_of(width, options);
  const auto plan_on = [&](const Network& lower, const Matrix& rows) {
    const FoldedNetwork folded = fold(lower).value();
    model.calibration = calibrate(folded, rows);
    model.calibration.input = {0, 1};
    return plan_latency(folded, model.calibration).value();
  };
  // What no plan serves is refused before anything is spent.
  plan_on(start, public_rows(start, of_length_1, range.high));

  PrivatelyPretrained trained = pretrain_privately(start, scaled, labels.index, *options.privacy, progress);
  model.lower = std::move(trained.lower);
  out.privacy = trained.spent;
  model.training = training_record(examples, options);
  for (const Layer& layer : model.lower.layers) {
    if (const auto* polynomial = std::get_if<Polynomial>(&layer))
      model.training["activations"].push_back(polynomial->coefficients);
  }
  model.privacy = privacy_json(trained.spent, "all that this model says of the source's rows");
  Network scores = model.lower;
  scores.layers.emplace_back(trained.output_layer);
  const Matrix rows = public_rows(scores, of_length_1, range.high);
  out.plan = plan_on(model.lower, rows);
  if (!options.publish_output_layer) return out;
  model.output_layer = std::move(trained.output_layer);
  model.score_calibration = calibrate(append(fold(model.lower).value(), *model.output_layer), rows);
  model.score_calibration->input = {0, 1};
  return out;
}

}  // namespace cryptotl
