#pragma once

#include "cryptotl/plan/batch_plan.h"
#include "noise_model.h"

namespace cryptotl {

/// The noise of a batch's answers, whose matrices are integers that all slots share, or polynomials that
/// repeat in every block.
class BatchNoise : public NoiseModel {
 public:
  /// Entries of the integer matrices are at most `largest_entry`.
  BatchNoise(const FoldedNetwork& network, const WeightSizes& weights, const Calibration& calibration,
             const ParamsSpec& params, double largest_entry)
      : NoiseModel(network, weights, calibration, params), largest_entry_(largest_entry), own_tail_(tail()) {}
  static BatchNoise with_blocks(const FoldedNetwork& network, const WeightSizes& weights,
                                const Calibration& calibration, const ParamsSpec& params, size_t block);

  double largest_matrix_log(size_t i) const override;

 private:
  void add_matrix(const ProgramPlan& plan, size_t i, Encryption encryption, NoiseSum& sum) const override;
  void add_answer(const ProgramPlan& plan, NoiseSum& sum) const override;
  double entry_rounding() const;

  double largest_entry_;
  size_t block_ = 1;
  double own_tail_;  ///< of what meets the secret in the slot of an answer
};

}  // namespace cryptotl
