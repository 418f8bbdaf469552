#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cryptotl/plan/batch_plan.h"
#include "cryptotl/rns/kernel_speeds.h"

namespace cryptotl {

/// The most kinds of batches that a server offers.
inline constexpr size_t kMostBatchOffers = 8;

/// What a server publishes of one kind of batches beside the route's metadata: all that a client needs to
/// make keys for a job, to encrypt batches and to read their answers, and what they take, by which it
/// chooses. The number of samples tells the kinds apart.
struct BatchMetadata {
  BatchPlan plan;
  ParamsPtr params;
  uint64_t epoch = 0;
  Digest seed{};  ///< batch_seed() of model and epoch
  // Predicted, on one thread of the server's machine.
  double pass_milliseconds = 0;      ///< of an input by itself
  double batch_milliseconds = 0;     ///< of one batch, however many of its samples are used
  double prepared_milliseconds = 0;  ///< the same where the server has worked ahead for the batch's number

  /// Throws what Params::create refuses.
  static BatchMetadata of(const Digest& model, const BatchPlan& plan, uint64_t epoch,
                          double pass_milliseconds, const KernelSpeeds& speeds);

  /// Exact sizes of what travels, headers included: one row of a batch and one of its answer, ...
  size_t row_bytes() const;
  size_t answer_row_bytes() const;
  /// ... all rows of a batch and all of an answer, ...
  size_t request_bytes() const { return plan.input_rows() * row_bytes(); }
  size_t response_bytes() const { return plan.output_rows() * answer_row_bytes(); }
  /// ... and keys: the evaluation keys, then the public key.
  size_t key_bytes() const;

  nlohmann::json to_json() const;
  /// Checks all of it: the plan as BatchPlan::from_json does, and that seed, parameter id and sizes are those
  /// that follow from model, epoch and plan.
  static Result<BatchMetadata> from_json(const nlohmann::json& json, const Digest& model);
};

/// The epoch of today: weeks since 1970, so that all servers of a model agree and none has to remember it.
uint64_t current_epoch();

}  // namespace cryptotl
