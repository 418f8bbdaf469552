#pragma once

#include "learn/training_backend.h"

namespace cryptotl {

/// The backend on LibTorch; logistic.cc, trainer.cc and private_descent.cc have its long methods.
class TorchBackend final : public TrainingBackend {
 public:
  void compute_on_one_thread() const override;
  Trained train(const Trainee& trainee, const TrainingRows& data, const TrainingOptions& options,
                const ProgressFunction& progress) const override;
  LogisticWeights fit_logistic(const LogisticData& data, double C) const override;
  std::unique_ptr<PenaltyFits> penalty_fits(const LogisticData& data,
                                            std::span<const Split> folds) const override;
  Network descend_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                            const PrivacyOptions& options, const PrivacySpent& spent,
                            const ProgressFunction& progress) const override;
  std::vector<double> cyclic_convolution(std::span<const std::vector<double>> factors,
                                         std::span<const size_t> times) const override;
};

}  // namespace cryptotl
