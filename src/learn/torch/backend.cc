#include "learn/torch/backend.h"

#include <dlfcn.h>
#include <torch/torch.h>

#include "torch_network.h"

namespace cryptotl {

void TorchBackend::compute_on_one_thread() const {
  at::set_num_threads(1);
  // LibTorch links whichever BLAS the system chose, so the symbol may be missing.
  using SetThreads = void (*)(int);
  static const auto set_threads =
      reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set_threads != nullptr) set_threads(1);
}

std::vector<double> TorchBackend::cyclic_convolution(std::span<const std::vector<double>> factors,
                                                     std::span<const size_t> times) const {
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

}  // namespace cryptotl

/// The library's only door.
extern "C" const cryptotl::TrainingBackend* cryptotl_training_backend() {
  static const cryptotl::TorchBackend backend;
  return &backend;
}
