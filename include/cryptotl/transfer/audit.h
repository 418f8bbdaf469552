#pragma once

#include <optional>
#include <vector>

#include "cryptotl/learn/canaries.h"
#include "cryptotl/learn/imitation.h"
#include "cryptotl/learn/membership.h"
#include "cryptotl/plan/model.h"
#include "cryptotl/transfer/examples.h"
#include "cryptotl/transfer/raw_answers.h"
#include "cryptotl/transfer/server_view.h"

namespace cryptotl {

// Attacks on what this program makes, each with a control: the same attack on something undefended. Where a
// control fails, the attack proves nothing, and the functions throw `internal` in the place of a result;
// where an attack succeeds against a defence, beyond what that claims, they throw insecure_parameters. Both
// say in one line what reached what. docs/audit.md describes all of them.

struct AuditOptions {
  double epsilon = 4;  ///< claimed by the private trainings that are attacked
  double delta = 0;    ///< 0: default_delta() of the rows
  size_t runs = 10;    ///< trainings with canaries of each kind; 1 to 1000
  size_t models = 32;  ///< of the membership inference; 8 to 1000
  uint64_t seed = 0;
  double confidence = 0.99;
};

/// A set of examples with two labels, as the attacks on training take it: up to 64 numbers a row by a random
/// projection, which is public and the same for all data, at its scale in [0, 1].
struct AuditRows {
  Matrix rows;
  std::vector<int> labels;  ///< 0 or 1
};
/// Throws malformed for other than two labels or fewer than 100 rows. Rows are scaled to length 1 before.
AuditRows audit_rows(const Examples& examples);

struct MembershipAudit {
  MembershipAttack control;   ///< few rows, a fifth of their labels wrong, trained by heart without noise
  MembershipAttack defended;  ///< all rows (up to 2,000) at the claimed epsilon
};
/// The control must be at least 10 points over chance, at the lower bound.
MembershipAudit audit_membership(const AuditRows& rows, const AuditOptions& options,
                                 const ProgressFunction& progress = {});

struct CanaryRuns {
  CanaryAudit control;  ///< without noise
  std::vector<CanaryAudit> runs;
};
/// Of a linear head, or of a lower network. The control's empirical epsilon must be above 3, and that of no
/// run above what the run claims.
CanaryRuns audit_canary_runs(const AuditRows& rows, bool network, const AuditOptions& options,
                             const ProgressFunction& progress = {});

/// What is served: a model's network, or one of the paper's shape with random weights, and inputs to it.
struct AuditedDeployment {
  FoldedNetwork network;
  Calibration calibration;
  Matrix scaled_rows;
  std::vector<int> labels;
};
/// Throws as require_embedder() and plan_latency() where examples and model do not fit.
AuditedDeployment audited_deployment(const Examples& examples, const AuditRows& rows,
                                     const std::optional<Model>& model);

/// One attack for each preset, the fast and the accurate one. Some raw answers must give the key, and no
/// released one may.
std::vector<KeyRecoveryAttack> audit_key_recovery(const AuditedDeployment& deployment,
                                                  const ProgressFunction& progress = {});

struct ServerViewAudit {
  std::vector<ServerViewAttack> control;  ///< under a secret of zeros
  std::vector<ServerViewAttack> attacks;  ///< under a real one
};
/// At the fast preset. The control must beat chance at every guess, at the lower bound; the attacks must be
/// at chance at all.
ServerViewAudit audit_server_view(const AuditedDeployment& deployment, const AuditOptions& options,
                                  const ProgressFunction& progress = {});

struct ExtractionAudit {
  double feature_deviation = 0;  ///< root mean square over the features
  size_t held_out = 0;
  struct Level {
    double noise = 0;  ///< standard deviation in each feature, in its units
    Imitation copy;
  };
  std::vector<Level> levels;  ///< the first without noise
};
/// Of the model, which must publish its output layer, or of a small network that is pretrained on half of the
/// rows. Three quarters of the other rows (of all, with a model) are queries, one quarter is held out. The
/// level without noise is the control: its copy must reach 95 %.
ExtractionAudit audit_extraction(const Examples& examples, const AuditRows& rows,
                                 const std::optional<Model>& model, const AuditOptions& options,
                                 const ProgressFunction& progress = {});

}  // namespace cryptotl
