#pragma once

#include "cryptotl/plan/latency_plan.h"
#include "noise_model.h"

namespace cryptotl {

/// The noise of answers to single inputs, whose matrices are products of rotations and encoded diagonals.
class LatencyNoise : public NoiseModel {
 public:
  LatencyNoise(const FoldedNetwork& network, const Calibration& calibration, const Packing& packing);

  double largest_matrix_log(size_t i) const override;

 private:
  void add_matrix(const ProgramPlan& plan, size_t i, Encryption encryption, NoiseSum& sum) const override;

  Packing packing_;
};

}  // namespace cryptotl
