#include "paper_network.h"

#include <string>

#include "cryptotl/base/error.h"
#include "random_order.h"

namespace cryptotl {
namespace {

constexpr size_t kPool = 3;
constexpr double kDropout = 0.2;  // the paper's rate for the upper network; it gives none for the lower one

}  // namespace

std::vector<double> lower_dropout(const Network& lower) {
  std::vector<double> dropout(lower.layers.size());
  dropout[dropout.size() - 2] = kDropout;
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
  Trainee upper{{features,
                 {random_dense(features, features, random()), Relu{}, MaxPool1D{kPool},
                  random_dense(outputs, features - kPool + 1, random())}},
                {0, 0, kDropout, 0}};
  upper.double_precision = true;
  return upper;
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
