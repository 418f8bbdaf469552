#include <dlfcn.h>
#include <torch/torch.h>

#include "learn/training_backend.h"
#include "logistic.h"
#include "private_descent.h"
#include "torch_network.h"
#include "trainer.h"

namespace cryptotl {
namespace {

class TorchBackend final : public TrainingBackend {
 public:
  void compute_on_one_thread() const override {
    at::set_num_threads(1);
    // LibTorch links whichever BLAS the system chose, so the symbol may be missing.
    using SetThreads = void (*)(int);
    static const auto set_threads =
        reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (set_threads != nullptr) set_threads(1);
  }

  Trained train(const Trainee& trainee, const TrainingRows& data, const TrainingOptions& options,
                const ProgressFunction& progress) const override {
    return train_with_torch(trainee, data, options, progress);
  }

  LogisticWeights fit_logistic(const LogisticData& data, double C) const override {
    return fit_with_torch(data, C);
  }

  std::unique_ptr<PenaltyFits> penalty_fits(const LogisticData& data,
                                            std::span<const Split> folds) const override {
    return penalty_fits_with_torch(data, folds);
  }

  Network descend_privately(const Network& start, const Matrix& rows, std::span<const int> labels,
                            const PrivacyOptions& options, const PrivacySpent& spent,
                            const ProgressFunction& progress) const override {
    compute_on_one_thread();
    return descend_with_torch(start, rows, labels, options, spent, progress);
  }

  std::vector<double> cyclic_convolution(std::span<const std::vector<double>> factors,
                                         std::span<const size_t> times) const override {
    torch::Tensor product;
    for (size_t i = 0; i < factors.size(); ++i) {
      const torch::Tensor spectrum =
          torch::fft_rfft(to_tensor(factors[i], torch::kFloat64)).pow(static_cast<double>(times[i]));
      product = product.defined() ? product * spectrum : spectrum;
    }
    const auto length = static_cast<int64_t>(factors.front().size());
    const torch::Tensor sums = torch::fft_irfft(product, length).contiguous();
    return {sums.data_ptr<double>(), sums.data_ptr<double>() + length};
  }
};

}  // namespace
}  // namespace cryptotl

/// The library's only door.
extern "C" const cryptotl::TrainingBackend* cryptotl_training_backend() {
  static const cryptotl::TorchBackend backend;
  return &backend;
}
