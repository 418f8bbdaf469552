#pragma once

#include <vector>

#include "cryptotl/network/folding.h"
#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

/// Who encrypts: the error of an input differs.
enum class Encryption { secret_key, public_key };

/// Predicts the error of a plan's answers from the gains that the calibration measured: every operation adds
/// independent errors of a known deviation (noise.h), and each gain says what of them arrives at an output.
/// Ring and packing are those of the plan that it is made for; all else may change between calls.
class NoiseModel {
 public:
  NoiseModel(const FoldedNetwork& network, const Calibration& calibration, const LatencyPlan& plan);

  /// The standard deviation of the worst output, before the answer is rounded for its way to the client.
  double deviation(const LatencyPlan& plan, Encryption encryption) const;
  /// The same with that rounding, source by source.
  std::vector<NoiseTerm> terms(const LatencyPlan& plan, Encryption encryption) const;

  /// Largest absolute values of each register of activation i, over the widened range of its input.
  const std::vector<double>& register_limits(size_t i) const { return register_limits_[i]; }
  /// Largest absolute entry of matrix i.
  double weight_limit(size_t i) const { return weight_limits_[i]; }

 private:
  template <typename Visit>
  void visit(const LatencyPlan& plan, Encryption encryption, const Visit& add) const;
  template <typename Visit>
  void visit_matrix(const LatencyPlan& plan, size_t i, Encryption encryption, const Visit& add) const;
  template <typename Visit>
  void visit_activation(const LatencyPlan& plan, size_t i, const Visit& add) const;

  double slot(double coefficient) const { return coefficient * root_half_n_; }
  double key_switch(const LatencyPlan& plan, size_t limbs) const;

  const Calibration& calibration_;
  std::vector<std::vector<double>> register_limits_;
  std::vector<std::vector<std::vector<double>>> linear_;  ///< [activation][product][register], absolute
  std::vector<double> weight_limits_;
  std::vector<double> weight_mean_square_;  ///< root mean square entry of each map
  double n_;
  double root_half_n_;
};

}  // namespace cryptotl
