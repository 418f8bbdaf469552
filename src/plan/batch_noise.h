#pragma once

#include "cryptotl/plan/batch_plan.h"
#include "noise_model.h"

namespace cryptotl {

/// The noise of a batch's answers, whose matrices are integers that all slots share.
class BatchNoise : public NoiseModel {
 public:
  /// Entries of the integer matrices are at most `largest_entry`.
  BatchNoise(const FoldedNetwork& network, const Calibration& calibration, const ParamsSpec& params,
             double largest_entry)
      : NoiseModel(network, calibration, params), largest_entry_(largest_entry) {}

  double largest_matrix_log(size_t i) const override;

 private:
  void add_matrix(const ProgramPlan& plan, size_t i, Encryption encryption, NoiseSum& sum) const override;
  void add_answer(const ProgramPlan& plan, NoiseSum& sum) const override;

  double largest_entry_;
};

}  // namespace cryptotl
