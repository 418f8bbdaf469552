#include <algorithm>
#include <cmath>
#include <random>

#include "cryptotl/base/number_text.h"
#include "cryptotl/data/labels.h"
#include "cryptotl/transfer/audit.h"

namespace cryptotl {
namespace {

constexpr size_t kFewestRows = 100;
constexpr size_t kWidth = 64;
// Attacks train many models: rows enough to tell something, in seconds to minutes.
constexpr size_t kMostMembers = 4000;
constexpr size_t kMostBesideCanaries = 1000;
constexpr size_t kControlRows = 200;
constexpr size_t kControlModels = 16;
constexpr size_t kControlSteps = 200;
constexpr double kWrongLabels = 0.2;
constexpr double kControlAccuracy = 0.6;
constexpr double kControlEpsilon = 3;

double uniform(std::mt19937_64& engine) { return static_cast<double>(engine() >> 11) * 0x1p-53; }

/// [from][to], entries of variance 1/to: keeps lengths but for a tenth or so. Public, the same for all data.
Matrix projection(size_t from, size_t to) {
  std::mt19937_64 engine(0);
  Matrix out(from, to);
  const double scale = std::sqrt(12 / (8 * static_cast<double>(to)));
  for (double& value : out.values) {
    value = -4;
    for (int i = 0; i < 8; ++i) value += uniform(engine);  // a sum of uniform numbers is round enough
    value *= scale;
  }
  return out;
}

AuditRows first_rows(const AuditRows& all, size_t count) {
  std::vector<size_t> index(std::min(count, all.labels.size()));
  for (size_t i = 0; i < index.size(); ++i) index[i] = i;
  AuditRows out{take_rows(all.rows, index), {}};
  out.labels.assign(all.labels.begin(), all.labels.begin() + static_cast<std::ptrdiff_t>(index.size()));
  return out;
}

LowerShape small_shape() {
  LowerShape shape;
  shape.hidden = {32};
  shape.features = 16;
  shape.kernel = 0;
  shape.pool = 0;
  return shape;
}

MembershipOptions membership_options(const AuditOptions& options) {
  MembershipOptions out;
  out.shape = small_shape();
  out.models = options.models;
  out.seed = options.seed;
  out.confidence = options.confidence;
  return out;
}

MembershipAttack membership_control(const AuditRows& all, const AuditOptions& options,
                                    const ProgressFunction& progress) {
  AuditRows rows = first_rows(all, kControlRows);
  std::mt19937_64 engine(options.seed);
  for (int& label : rows.labels) label = uniform(engine) < kWrongLabels ? 1 - label : label;
  MembershipOptions control = membership_options(options);
  control.models = std::min(options.models, kControlModels);
  control.training.noise_multiplier = 0;
  control.training.steps = kControlSteps;
  return infer_membership(rows.rows, rows.labels, control, progress);
}

CanaryOptions canary_options(bool network, const AuditOptions& options, size_t run) {
  CanaryOptions out;
  if (network) out.shape = small_shape();
  out.seed = options.seed + run;
  out.confidence = options.confidence;
  out.training.delta = options.delta;
  return out;
}

/// A part of the progress of several trainings, one after the other.
ProgressFunction part(const ProgressFunction& whole, size_t index, size_t count) {
  if (!whole) return {};
  return [&whole, index, count](size_t done, size_t total) { whole(index * total + done, count * total); };
}

}  // namespace

AuditRows audit_rows(const Examples& examples) {
  const LabelSet labels = index_labels(examples.labels, examples.source).value();
  if (labels.names.size() != 2) {
    throw Error(ErrorCode::malformed, examples.source + ": " + std::to_string(labels.names.size()) +
                                          " labels; the audit takes rows of two");
  }
  if (examples.rows() < kFewestRows) {
    throw Error(ErrorCode::malformed, examples.source + ": " + std::to_string(examples.rows()) +
                                          " rows; the audit takes at least " + std::to_string(kFewestRows));
  }
  const Matrix& from = examples.embeddings;
  const size_t width = std::min(kWidth, from.cols);
  const Matrix onto = projection(from.cols, width);
  // Of a number of a projected row of length 1, four deviations either way.
  const double range = 4 / std::sqrt(static_cast<double>(width));
  AuditRows out{Matrix(from.rows, width), labels.index};
  for (size_t r = 0; r < from.rows; ++r) {
    double square = 0;
    for (const double value : from.row(r)) square += value * value;
    const double length = square > 0 ? std::sqrt(square) : 1;
    const auto row = out.rows.row(r);
    for (size_t k = 0; k < from.cols; ++k) {
      for (size_t c = 0; c < width; ++c) row[c] += from(r, k) / length * onto(k, c);
    }
    for (double& value : row) value = std::clamp((value + range) / (2 * range), 0.0, 1.0);
  }
  return out;
}

MembershipAudit audit_membership(const AuditRows& rows, const AuditOptions& options,
                                 const ProgressFunction& progress) {
  MembershipAudit out;
  out.control = membership_control(rows, options, part(progress, 0, 2));
  if (out.control.accuracy_bounds.low < kControlAccuracy) {
    throw Error(ErrorCode::internal,
                "audit: membership inference reaches " + number_text(100 * out.control.accuracy) +
                    " % on an overfitted model without defence, no 10 points over chance: it "
                    "would prove nothing, so nothing is reported (more --models make it stronger)");
  }
  const AuditRows members = first_rows(rows, kMostMembers);
  MembershipOptions defended = membership_options(options);
  defended.training.epsilon = options.epsilon;
  defended.training.delta = options.delta;
  out.defended = infer_membership(members.rows, members.labels, defended, part(progress, 1, 2));
  return out;
}

CanaryRuns audit_canary_runs(const AuditRows& all, bool network, const AuditOptions& options,
                             const ProgressFunction& progress) {
  const AuditRows rows = first_rows(all, kMostBesideCanaries);
  CanaryOptions control = canary_options(network, options, 0);
  control.training.noise_multiplier = 0;
  CanaryRuns out;
  out.control = audit_canaries(rows.rows, rows.labels, control, part(progress, 0, options.runs + 1));
  if (out.control.empirical_epsilon <= kControlEpsilon) {
    throw Error(ErrorCode::internal, "audit: canaries show an epsilon of " +
                                         number_text(out.control.empirical_epsilon) +
                                         " against a training without noise, not above 3: they would prove "
                                         "nothing, so nothing is reported");
  }
  for (size_t run = 0; run < options.runs; ++run) {
    CanaryOptions defended = canary_options(network, options, run);
    defended.training.epsilon = options.epsilon;
    const CanaryAudit audit =
        audit_canaries(rows.rows, rows.labels, defended, part(progress, run + 1, options.runs + 1));
    if (audit.empirical_epsilon > audit.claimed.epsilon) {
      throw Error(ErrorCode::insecure_parameters,
                  "audit: run " + std::to_string(run + 1) + " shows an epsilon of at least " +
                      number_text(audit.empirical_epsilon) + " where " + number_text(audit.claimed.epsilon) +
                      " is claimed: private training is broken");
    }
    out.runs.push_back(audit);
  }
  return out;
}

}  // namespace cryptotl
