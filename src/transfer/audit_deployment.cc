#include <algorithm>
#include <cmath>

#include "cryptotl/learn/pretrain.h"
#include "cryptotl/plan/planner.h"
#include "cryptotl/transfer/audit.h"

namespace cryptotl {
namespace {

constexpr size_t kCalibrationRows = 200;
constexpr size_t kAnswers = 20;  // attacked each way: all fail by themselves with a probability of 2^-20
constexpr double kNoiseLevels[] = {0, 0.1, 1};  // in deviations of the features

Matrix rows_between(const Matrix& of, size_t from, size_t to) {
  std::vector<size_t> index;
  for (size_t i = from; i < std::min(to, of.rows); ++i) index.push_back(i);
  return take_rows(of, index);
}

LatencyPlan plan_at(const AuditedDeployment& deployment, double precision) {
  PlanOptions options;
  options.precision = precision;
  return plan_latency(deployment.network, deployment.calibration, options).value();
}

std::string count_text(size_t count, size_t of) {
  return std::to_string(count) + " of " + std::to_string(of);
}

/// What extraction copies, and the rows that it asks for and is judged by.
struct Original {
  Network lower;
  Dense output_layer;
  Matrix queries, held_out;
};

void split(const Matrix& rows, size_t from, Original& out) {
  const size_t asked = from + 3 * (rows.rows - from) / 4;
  out.queries = rows_between(rows, from, asked);
  out.held_out = rows_between(rows, asked, rows.rows);
}

Original served(const Examples& examples, const Model& model) {
  if (!model.output_layer) {
    throw Error(ErrorCode::invalid_argument,
                "audit: the model does not publish its output layer, by which a copy's labels are compared; "
                "leave extraction out with --only");
  }
  Original out{model.lower, *model.output_layer, {}, {}};
  Matrix scaled = examples.embeddings;
  model.scaler.apply(scaled);
  split(scaled, 0, out);
  return out;
}

Original trained(const AuditRows& rows, uint64_t seed) {
  const size_t half = rows.rows.rows / 2;
  PretrainOptions options;
  options.shape.hidden = {32};
  options.shape.features = 16;
  options.shape.kernel = 0;
  options.shape.pool = 0;
  options.training.seed = seed;
  Pretrained made = pretrain(rows_between(rows.rows, 0, half), std::span(rows.labels).first(half), options);
  Original out{std::move(made.lower), std::move(made.output_layer), {}, {}};
  split(rows.rows, half, out);
  return out;
}

/// Root mean square of the features' deviations.
double deviation_of(const Matrix& features) {
  double sum = 0;
  for (size_t c = 0; c < features.cols; ++c) {
    double mean = 0;
    for (size_t r = 0; r < features.rows; ++r) mean += features(r, c) / static_cast<double>(features.rows);
    for (size_t r = 0; r < features.rows; ++r) sum += (features(r, c) - mean) * (features(r, c) - mean);
  }
  return std::sqrt(sum / static_cast<double>(features.values.size()));
}

}  // namespace

AuditedDeployment audited_deployment(const Examples& examples, const AuditRows& rows,
                                     const std::optional<Model>& model) {
  AuditedDeployment out;
  out.scaled_rows = examples.embeddings;
  out.labels = rows.labels;
  if (model) {
    require_embedder(examples, model->embedder).value();
    model->scaler.apply(out.scaled_rows);
    out.network = fold(model->lower).value();
    out.calibration = model->calibration;
  } else {
    MinMaxScaler::fit(out.scaled_rows).apply(out.scaled_rows);
    out.network = fold(paper_lower(out.scaled_rows.cols, 0)).value();
    out.calibration = calibrate(out.network, rows_between(out.scaled_rows, 0, kCalibrationRows));
  }
  MinMaxScaler::clip(out.scaled_rows.values, out.calibration.input.low, out.calibration.input.high);
  return out;
}

std::vector<KeyRecoveryAttack> audit_key_recovery(const AuditedDeployment& deployment,
                                                  const ProgressFunction& progress) {
  const double presets[] = {kFastPrecision, kAccuratePrecision};
  std::vector<KeyRecoveryAttack> out;
  for (const double precision : presets) {
    const LatencyPlan plan = plan_at(deployment, precision);
    const auto part = [&](size_t done, size_t total) {
      if (progress) progress(out.size() * total + done, std::size(presets) * total);
    };
    const KeyRecoveryAttack attack =
        recover_key_from_answers(deployment.network, deployment.calibration, plan,
                                 rows_between(deployment.scaled_rows, 0, kAnswers), part);
    if (attack.from_raw == 0) {
      throw Error(ErrorCode::internal,
                  "audit: no raw answer gave the key: the attack would prove nothing "
                  "against release(), so nothing is reported");
    }
    if (attack.from_released > 0) {
      throw Error(ErrorCode::insecure_parameters,
                  "audit: " + count_text(attack.from_released, attack.answers) +
                      " released answers gave the secret key: release() is broken");
    }
    out.push_back(attack);
  }
  return out;
}

ServerViewAudit audit_server_view(const AuditedDeployment& deployment, const AuditOptions& options,
                                  const ProgressFunction& progress) {
  const LatencyPlan plan = plan_at(deployment, kFastPrecision);
  const ParamsPtr params = Params::create(plan.params).value();
  ServerViewOptions view;
  view.seed = options.seed;
  view.confidence = options.confidence;
  const auto attack = [&](const SecretKey& secret, size_t index) {
    return guess_from_ciphertexts(plan, secret, deployment.scaled_rows, deployment.labels, view,
                                  [&](size_t done, size_t total) {
                                    if (progress) progress(index * total + done, 2 * total);
                                  });
  };
  const std::vector<int8_t> zeros(params->n());
  ServerViewAudit out;
  out.control = attack(SecretKey::from_coefficients(params, KeyId{}, zeros), 0);
  for (const ServerViewAttack& one : out.control) {
    if (one.bounds.low > 0.5) continue;
    throw Error(ErrorCode::internal, "audit: under a secret of zeros, " + name(one.guess) +
                                         " is guessed right only " + count_text(one.right, one.guesses) +
                                         " times: the attack would prove nothing, so nothing is reported");
  }
  out.attacks = attack(SecretKey::generate(params), 1);
  for (const ServerViewAttack& one : out.attacks) {
    if (one.at_chance) continue;
    throw Error(ErrorCode::insecure_parameters,
                "audit: from ciphertexts " + name(one.guess) + " is guessed right " +
                    count_text(one.right, one.guesses) + " times: encryption is broken");
  }
  return out;
}

ExtractionAudit audit_extraction(const Examples& examples, const AuditRows& rows,
                                 const std::optional<Model>& model, const AuditOptions& options,
                                 const ProgressFunction& progress) {
  const Original original = model ? served(examples, *model) : trained(rows, options.seed);
  ExtractionAudit out;
  out.feature_deviation = deviation_of(forward(original.lower, original.held_out));
  out.held_out = original.held_out.rows;
  for (const double level : kNoiseLevels) {
    ImitationOptions imitation;
    imitation.noise = level * out.feature_deviation;
    imitation.seed = options.seed;
    const size_t index = out.levels.size();
    const auto part = [&](size_t done, size_t total) {
      if (progress) progress(index * total + done, std::size(kNoiseLevels) * total);
    };
    out.levels.push_back({imitation.noise, imitate(original.lower, original.output_layer, original.queries,
                                                   original.held_out, imitation, part)});
    if (index == 0 && !out.levels[0].copy.queries) {
      throw Error(ErrorCode::internal,
                  "audit: without noise " + std::to_string(original.queries.rows) +
                      " queries give a copy of " +
                      std::to_string(std::lround(100 * out.levels[0].copy.curve.back().agreement)) +
                      " % agreement, not 95 %: what noise adds cannot be measured, so nothing is reported "
                      "(more rows are right)");
    }
  }
  return out;
}

}  // namespace cryptotl
