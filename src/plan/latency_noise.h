#pragma once

#include "cryptotl/plan/planner.h"
#include "noise_model.h"

namespace cryptotl {

/// The noise of answers to single inputs, whose matrices are products of rotations and encoded diagonals.
class LatencyNoise : public NoiseModel {
 public:
  LatencyNoise(const FoldedNetwork& network, const WeightSizes& weights, const Calibration& calibration,
               const Packing& packing, const PlanOptions& options);

  double largest_input_log() const override { return wide() ? kWideLog : NoiseModel::largest_input_log(); }
  double largest_matrix_log(size_t i) const override;
  /// What the rounding of a matrix's diagonals leaves in its outputs, as a part of a gain's unit there: in
  /// units of the answer after the last one.
  double diagonal_rounding(const ProgramPlan& plan, size_t i) const;

  /// How many deviations of evaluation an answer is flooded with to reach the goal; 0 without one. The same
  /// factor on the rounding of the last matrix gives the noise that it needs where no output is. Each is half
  /// of the divergence.
  double flood_factor() const { return flood_factor_; }
  /// Standard deviation of the noise beside outputs, where there is a goal: some bits of the modulus for as
  /// many of the last matrix's scale, and enough for what doubles leave of its entries. Else 0.
  double other_deviation() const { return other_deviation_; }

 private:
  void add_matrix(const ProgramPlan& plan, size_t i, Encryption encryption, NoiseSum& sum) const override;
  void add_answer(const ProgramPlan& plan, NoiseSum& sum) const override;
  /// The flood; and the rounding of the last matrix, to count as much as the precision allows where the noise
  /// beside outputs just hides it.
  double wish(const ProgramPlan& plan, const NoiseSum& sum) const override;

  /// Where noise is to be hidden by 40 bits more, scales are beyond what doubles and 64-bit integers need.
  static constexpr double kWideLog = 100;
  bool wide() const { return flood_factor_ > 0; }

  Packing packing_;
  double flood_factor_ = 0;
  double other_deviation_ = 0;
  double other_share_ = 0;  ///< what the precision allows, over the noise beside outputs
};

}  // namespace cryptotl
