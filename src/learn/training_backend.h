#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cryptotl/learn/folds.h"
#include "cryptotl/learn/private_training.h"
#include "logistic.h"
#include "trainer.h"

namespace cryptotl {

/// Labelled rows, and which of them weights are fitted to and which choose the epoch.
struct TrainingRows {
  const Matrix& rows;
  std::span<const int> labels;
  const Split& split;
};

/// Logistic regressions on all folds but one at a time, from a penalty to the next larger one.
class PenaltyFits {
 public:
  virtual ~PenaltyFits() = default;
  /// [rows][outputs] from the fold that did not train on the row. Goes on from the fits of the call before.
  virtual Matrix logits(double C) = 0;
};

/// All that needs LibTorch, behind a door: the library has hundreds of others in its train and takes half a
/// second to load, which a program that holds keys and trains nothing had better not do. Arguments are
/// checked by those who call. Safe to be called by several threads at once.
class TrainingBackend {
 public:
  virtual ~TrainingBackend() = default;

  /// Keeps LibTorch and, where that is its BLAS, OpenBLAS from starting threads for the calling thread's
  /// work. OpenBLAS knows this setting per process only; nothing but training uses it.
  virtual void compute_on_one_thread() const = 0;
  /// train() after its checks.
  virtual Trained train(const Trainee& trainee, const TrainingRows& data, const TrainingOptions& options,
                        const ProgressFunction& progress) const = 0;
  virtual LogisticWeights fit_logistic(const LogisticData& data, double C) const = 0;
  virtual std::unique_ptr<PenaltyFits> penalty_fits(const LogisticData& data,
                                                    std::span<const Split> folds) const = 0;
  /// The steps of train_privately(), on one thread.
  virtual Network descend_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                                    const PrivacyOptions& options, const PrivacySpent& spent,
                                    const ProgressFunction& progress) const = 0;
  /// Of factors[0] by itself so many times, with factors[1] so many times, ...; all of one length, a power of
  /// two. By FFT in double precision.
  virtual std::vector<double> cyclic_convolution(std::span<const std::vector<double>> factors,
                                                 std::span<const size_t> times) const = 0;
};

/// Loads libcryptotl_torch.so at the first call. Throws not_found where it cannot be loaded.
const TrainingBackend& training_backend();

}  // namespace cryptotl
