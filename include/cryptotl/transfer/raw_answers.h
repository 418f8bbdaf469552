#pragma once

#include "cryptotl/base/progress.h"
#include "cryptotl/network/folding.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

/// What becomes of a client's key where decrypted answers are passed on.
struct KeyRecoveryAttack {
  size_t log_n = 0;
  double predicted_error = 0;
  size_t answers = 0;        ///< that were attacked each way
  size_t from_raw = 0;       ///< of which so many gave the key, passed on raw
  size_t from_released = 0;  ///< and so many passed on by release()
};

/// The attack of key_recovery.h on real answers: inputs are encrypted under a fresh key, go through the
/// network under encryption, masks and all, and are decrypted. Raw: the decrypted slots, and where the
/// answer's integers are too long for what doubles keep of slots, the integers; one answer in two can be
/// solved. Released: the same slots through release() with the plan's predicted error, one bit of security,
/// and these answers as all that will be released: the least noise that release() gives. A key counts as
/// recovered where all N coefficients are right. Throws as LatencyProgram.
KeyRecoveryAttack recover_key_from_answers(const FoldedNetwork& network, const Calibration& calibration,
                                           const LatencyPlan& plan, const Matrix& scaled_rows,
                                           const ProgressFunction& progress = {});

}  // namespace cryptotl
