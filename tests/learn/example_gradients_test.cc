#include "learn/torch/example_gradients.h"

#include <gtest/gtest.h>

#include "cryptotl/learn/lower_shape.h"
#include "learn/clusters.h"
#include "learn/noisy_sum.h"

namespace cryptotl {
namespace {

constexpr size_t kRows = 12, kColumns = 10;

/// A lower network with an output layer, its logits one for two classes.
TorchNetwork network_of(const LowerShape& shape, size_t classes, uint64_t seed = 1) {
  Network lower = lower_network(kColumns, shape, seed);
  const size_t features = output_width(lower).value();
  lower.layers.emplace_back(random_dense(classes == 2 ? 1 : classes, features, seed));
  Trainee trainee{std::move(lower), {}};
  trainee.double_precision = true;
  return TorchNetwork(trainee);
}

struct Labelled {
  torch::Tensor rows, labels;
};

Labelled batch_of(const Clusters& data, size_t classes) {
  const std::vector<int64_t> labels(data.labels.begin(), data.labels.end());
  const torch::Tensor whole = torch::tensor(labels, torch::kLong);
  return {to_tensor(data.rows, torch::kDouble), classes == 2 ? whole.to(torch::kDouble) : whole};
}

/// The gradient of one row by LibTorch's own backward pass, written here from the loss's definition.
std::vector<torch::Tensor> gradient_by_itself(const TorchNetwork& network, const Labelled& data,
                                              int64_t row) {
  at::Generator unused;
  const auto answer = network.forward(data.rows.narrow(0, row, 1), {}, unused);
  const torch::Tensor label = data.labels.narrow(0, row, 1);
  torch::Tensor loss;
  if (answer.values.size(1) == 1) {
    const torch::Tensor signs = 2 * label - 1;
    loss = torch::log1p(torch::exp(-signs * answer.values.squeeze(1))).sum();
  } else {
    loss = -torch::log_softmax(answer.values, 1).index({0, label.item<int64_t>()});
  }
  if (answer.overrun.defined()) loss = loss + kOverrunPenalty * answer.overrun;
  return torch::autograd::grad({loss}, network.weights());
}

double length(const std::vector<torch::Tensor>& parts) {
  double square = 0;
  for (const torch::Tensor& part : parts) square += part.square().sum().item<double>();
  return std::sqrt(square);
}

void expect_like_autograd(const LowerShape& shape, size_t classes, double shift) {
  const TorchNetwork network = network_of(shape, classes);
  const Labelled data = batch_of(clusters(kRows, kColumns, classes, shift, 3), classes);
  const ExampleGradients gradients(network, data.rows, data.labels);
  const torch::Tensor norms = gradients.norms();
  ASSERT_EQ(norms.sizes(), torch::IntArrayRef({static_cast<int64_t>(kRows)}));
  for (int64_t row = 0; row < static_cast<int64_t>(kRows); ++row) {
    const std::vector<torch::Tensor> expected = gradient_by_itself(network, data, row);
    EXPECT_NEAR(norms[row].item<double>() / length(expected), 1, 1e-12) << row;
    torch::Tensor chosen = torch::zeros({static_cast<int64_t>(kRows)}, torch::kDouble);
    chosen[row] = 1;
    const std::vector<torch::Tensor> own = gradients.weighted_sum(chosen);
    ASSERT_EQ(own.size(), expected.size());
    for (size_t i = 0; i < own.size(); ++i)
      EXPECT_LE((own[i] - expected[i]).abs().max().item<double>(), 1e-13 * length(expected))
          << row << " " << i;
  }
}

TEST(ExampleGradients, AreThoseOfEachRowByItself) { expect_like_autograd({}, 2, 0.2); }

TEST(ExampleGradients, OfSeveralClasses) { expect_like_autograd({}, 3, 0.2); }

TEST(ExampleGradients, OfEveryLayerThatLowerNetworksHave) {
  LowerShape shape;
  shape.hidden = {7, 5};
  shape.features = 4;
  for (const char* const activation : {"cubic", "quadratic", "relu", "tanh", "sigmoid", "gelu"}) {
    SCOPED_TRACE(activation);
    shape.activation = *activation_named(activation);
    shape.kernel = 4;  // an even one reaches further to one side
    shape.pool = 2;
    expect_like_autograd(shape, 2, 0.2);
    shape.kernel = shape.pool = 0;
    expect_like_autograd(shape, 3, 0.2);
  }
}

TEST(ExampleGradients, WhereInputsOfTheActivationAreDrawnBack) {
  const TorchNetwork network = network_of({}, 2);
  Clusters data = clusters(kRows, kColumns, 2, 0.2, 3);
  for (double& value : data.rows.values) value *= 30;
  at::Generator unused;
  const auto answer = network.forward(to_tensor(data.rows, torch::kDouble), {}, unused);
  ASSERT_GT(answer.overrun.item<double>(), 0.1);
  const Labelled batch = batch_of(data, 2);
  const torch::Tensor norms = ExampleGradients(network, batch.rows, batch.labels).norms();
  for (int64_t row = 0; row < static_cast<int64_t>(kRows); ++row)
    EXPECT_NEAR(norms[row].item<double>() / length(gradient_by_itself(network, batch, row)), 1, 1e-12);
}

TEST(ExampleGradients, AreTheSameAloneAndAmongOthers) {
  const TorchNetwork network = network_of({}, 2);
  const Labelled data = batch_of(clusters(kRows, kColumns, 2, 0.2, 3), 2);
  const torch::Tensor together = ExampleGradients(network, data.rows, data.labels).norms();
  for (int64_t row = 0; row < static_cast<int64_t>(kRows); ++row) {
    const torch::Tensor alone =
        ExampleGradients(network, data.rows.narrow(0, row, 1), data.labels.narrow(0, row, 1)).norms();
    EXPECT_NEAR(alone[0].item<double>() / together[row].item<double>(), 1, 1e-13);
  }
}

Seed seed_of(uint8_t number) {
  Seed seed{};
  seed[0] = number;
  return seed;
}

TEST(NoisySum, RefusesNoiseForWhichItsGridIsTooCoarse) {
  EXPECT_THROW(NoisySum(seed_of(1), 1'000'000, 1, 20'000), Error);
  EXPECT_NO_THROW(NoisySum(seed_of(1), 1'000'000, 1, 1'000));
}

TEST(NoisySum, HasNoiseOfTheClaimedDeviationInEveryNumber) {
  constexpr size_t kLength = 2'000, kSums = 100;
  constexpr double kClipping = 0.5, kMultiplier = 3;
  NoisySum noisy(seed_of(1), kLength, kClipping, kMultiplier);
  double square = 0, largest_mean = 0;
  std::vector<double> means(kLength);
  for (size_t i = 0; i < kSums; ++i) {
    std::vector<double> sum(kLength, 10);
    noisy.release(sum);
    for (size_t j = 0; j < kLength; ++j) {
      const double noise = sum[j] - 10;
      square += noise * noise;
      means[j] += noise / kSums;
    }
  }
  const double deviation = kClipping * kMultiplier;
  const double draws = static_cast<double>(kLength * kSums);
  EXPECT_NEAR(square / draws / (deviation * deviation), 1, 5 * std::sqrt(2 / draws));
  for (const double mean : means) largest_mean = std::max(largest_mean, std::abs(mean));
  // A Gaussian number goes beyond 5.5 deviations once in 2.6e7 times.
  EXPECT_LT(largest_mean, 5.5 * deviation / std::sqrt(static_cast<double>(kSums)));
}

TEST(NoisySum, LiesOnItsGridWhateverTheSumWas) {
  NoisySum noisy(seed_of(1), 3, 1, 1);
  std::vector<double> sum = {1e-17, 0.1, M_PI};
  noisy.release(sum);
  for (const double value : sum) {
    const double points = std::ldexp(value, kLogNoiseSteps);
    EXPECT_EQ(points, std::round(points));
  }
}

TEST(NoisySum, MovesByNoMoreThanTheClippingNormWithARowOfTheLongestLength) {
  constexpr size_t kLength = 5'000;
  for (const double multiplier : {0.1, 1.0, 100.0}) {
    // Whoever draws the same noise twice sees the two rounded sums' difference.
    NoisySum with(seed_of(1), kLength, 1, multiplier), without(seed_of(1), kLength, 1, multiplier);
    std::vector<double> others(kLength), sum(kLength);
    const double grid = std::ldexp(multiplier, -kLogNoiseSteps);
    const double part = with.row_limit() / std::sqrt(static_cast<double>(kLength));
    for (size_t i = 0; i < kLength; ++i) {
      // Just below the middle between two points, so that the row moves each number by a point too many.
      others[i] = grid * (static_cast<double>(i) + 0.499);
      sum[i] = others[i] + std::ceil(part / grid) * grid - grid * 0.998;
    }
    double row = 0;
    for (size_t i = 0; i < kLength; ++i) row += std::pow(sum[i] - others[i], 2);
    ASSERT_LE(std::sqrt(row), with.row_limit() * (1 + 1e-12));
    with.release(sum);
    without.release(others);
    double square = 0;
    for (size_t i = 0; i < kLength; ++i) square += std::pow(sum[i] - others[i], 2);
    EXPECT_LE(std::sqrt(square), 1) << multiplier;
  }
}

TEST(ExampleGradients, ClippedOnesAreNoLongerThanTheLimitWhateverARowHolds) {
  const TorchNetwork network = network_of({}, 2);
  Clusters data = clusters(kRows, kColumns, 2, 0.2, 3);
  for (size_t c = 0; c < kColumns; ++c) {
    data.rows(0, c) = 1e6;
    data.rows(1, c) = -1e6;
    data.rows(2, c) = c % 2 == 0 ? 1e12 : -1e12;
    data.rows(3, c) = 0;
    data.rows(4, c) = 1e-300;
  }
  const Labelled batch = batch_of(data, 2);
  const ExampleGradients gradients(network, batch.rows, batch.labels);
  const torch::Tensor factors = (0.7 / gradients.norms().clamp_min(1e-300)).clamp_max(1);
  for (int64_t row = 0; row < static_cast<int64_t>(kRows); ++row) {
    torch::Tensor only = torch::zeros_like(factors);
    only[row] = factors[row];
    EXPECT_LE(length(gradients.weighted_sum(only)), 0.7 * (1 + 1e-12)) << row;
  }
}

}  // namespace
}  // namespace cryptotl
