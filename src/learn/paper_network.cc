#include "paper_network.h"

#include <cmath>
#include <string>

#include "cryptotl/base/error.h"
#include "cryptotl/learn/pretrain.h"
#include "random_order.h"

namespace cryptotl {
namespace {

constexpr size_t kKernel = 9;
constexpr size_t kPool = 3;
constexpr double kDropout = 0.2;  // the paper's rate for the upper network; it gives none for the lower one

}  // namespace

Network paper_lower(size_t input_width, uint64_t seed, const Layer& activation) {
  if (input_width < kPool) {
    throw Error(ErrorCode::invalid_argument, "the paper's lower network takes rows of at least " +
                                                 std::to_string(kPool) + " numbers, not " +
                                                 std::to_string(input_width));
  }
  Random random(seed);
  Conv1D convolution{std::vector<double>(kKernel)};
  for (double& tap : convolution.kernel)
    tap = uniform(random, -1 / std::sqrt(kKernel), 1 / std::sqrt(kKernel));
  const size_t pooled = input_width - kPool + 1;
  return {input_width,
          {convolution, random_dense(input_width, input_width, random()), activation, AveragePool1D{kPool},
           random_dense(pooled, pooled, random())}};
}

std::vector<double> paper_lower_dropout(const Network& lower) {
  std::vector<double> dropout;
  for (const Layer& layer : lower.layers)
    dropout.push_back(std::holds_alternative<AveragePool1D>(layer) ? kDropout : 0);
  return dropout;
}

Trainee paper_upper(size_t features, size_t classes, uint64_t seed) {
  if (features < kPool) {
    throw Error(ErrorCode::invalid_argument, "the paper's upper network takes at least " +
                                                 std::to_string(kPool) + " features, not " +
                                                 std::to_string(features));
  }
  Random random(seed);
  const size_t outputs = classes == 2 ? 1 : classes;
  return {{features,
           {random_dense(features, features, random()), Relu{}, MaxPool1D{kPool},
            random_dense(outputs, features - kPool + 1, random())}},
          {0, 0, kDropout, 0}};
}

Network with_scores(Network logits) {
  if (output_width(logits).value() == 1) {
    logits.layers.emplace_back(Sigmoid{});
  } else {
    logits.layers.emplace_back(Softmax{});
  }
  return logits;
}

}  // namespace cryptotl
