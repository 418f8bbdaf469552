#include "cryptotl/ckks/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "ckks/statistics.h"
#include "ckks/test_params.h"
#include "cryptotl/ckks/ciphertext.h"

namespace cryptotl {
namespace {

constexpr size_t kDraws = 10'000'000;

double correlation(std::span<const int8_t> a, std::span<const int8_t> b) {
  double product = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += a[i] * b[i];
    square_a += a[i] * a[i];
    square_b += b[i] * b[i];
  }
  return product / std::sqrt(square_a * square_b);
}

using Sampler = void (*)(std::span<int8_t>);

std::vector<int8_t> drawn(Sampler sampler, size_t count) {
  std::vector<int8_t> out(count, 100);
  sampler(out);
  return out;
}

TEST(SampleTernary, IsUniform) {
  std::array<double, 3> counts = {};
  for (const int8_t value : drawn(sample_ternary, kDraws)) {
    ASSERT_LE(std::abs(value), 1);
    ++counts[static_cast<size_t>(value + 1)];
  }
  const std::array<double, 3> expected = {kDraws / 3.0, kDraws / 3.0, kDraws / 3.0};
  EXPECT_LT(chi_square(counts, expected), chi_square_limit(3));
}

TEST(SampleError, IsTheCentredBinomial) {
  ErrorCells cells(15);  // the tails from 15 on expect about 30
  double sum_of_squares = 0;
  int largest = 0;
  for (const int8_t value : drawn(sample_error, kDraws)) {
    cells.add(value);
    largest = std::max(largest, std::abs(value));
    sum_of_squares += value * value;
  }
  EXPECT_NEAR(std::accumulate(cells.expected.begin(), cells.expected.end(), 0.0), 1, 1e-12);
  EXPECT_LT(cells.misfit(), 1);
  EXPECT_LE(largest, 21);
  EXPECT_GE(largest, 14);
  // The variance of the mean square is (3 - 1/10.5 - 1) 10.5^2 / draws.
  const double spread = std::sqrt((2 - 1 / 10.5) / kDraws) * 10.5;
  EXPECT_NEAR(sum_of_squares / kDraws, kErrorDeviation * kErrorDeviation, 5 * spread);
}

class SamplerTest : public testing::TestWithParam<Sampler> {};

TEST_P(SamplerTest, FillsEveryLengthAndNoMore) {
  for (const size_t count : {0u, 1u, 511u, 512u, 513u, 1024u, 1025u}) {
    std::vector<int8_t> room(count + 2, 77);
    GetParam()(std::span(room).subspan(1, count));
    EXPECT_EQ(room.front(), 77);
    EXPECT_EQ(room.back(), 77);
    EXPECT_EQ(std::count(room.begin(), room.end(), 77), 2) << count;
  }
}

TEST_P(SamplerTest, IsIndependentBetweenCallsAndPlaces) {
  constexpr size_t kCount = 1'000'000;
  const std::vector<int8_t> a = drawn(GetParam(), kCount);
  const std::vector<int8_t> b = drawn(GetParam(), kCount);
  const double limit = 6 / std::sqrt(static_cast<double>(kCount));
  EXPECT_LT(std::abs(correlation(a, b)), limit);
  for (const size_t lag : {1u, 2u, 8u, 512u, 1024u}) {
    const std::span<const int8_t> all(a);
    EXPECT_LT(std::abs(correlation(all.first(kCount - lag), all.subspan(lag))), limit) << lag;
  }
}

TEST_P(SamplerTest, DiffersBetweenAProcessAndItsForks) {
  constexpr size_t kCount = 4096;
  static_cast<void>(drawn(GetParam(), kCount));  // whatever state there is, the forks inherit it
  std::vector<std::vector<int8_t>> samples;
  for (int fork_number = 0; fork_number < 2; ++fork_number) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const std::vector<int8_t> mine = drawn(GetParam(), kCount);
      _exit(write(ends[1], mine.data(), kCount) == static_cast<ssize_t>(kCount) ? 0 : 1);
    }
    std::vector<int8_t> theirs(kCount);
    ASSERT_EQ(read(ends[0], theirs.data(), kCount), static_cast<ssize_t>(kCount));
    int status = 1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    close(ends[0]);
    close(ends[1]);
    samples.push_back(theirs);
  }
  samples.push_back(drawn(GetParam(), kCount));
  const double limit = 6 / std::sqrt(static_cast<double>(kCount));
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(std::abs(correlation(samples[i], samples[(i + 1) % 3])), limit);
}

INSTANTIATE_TEST_SUITE_P(Both, SamplerTest, testing::Values(&sample_ternary, &sample_error),
                         [](const auto& test) { return test.index == 0 ? "Ternary" : "Error"; });

/// By bits of the prime.
class UniformResidues : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Bits, UniformResidues, testing::Values(26, 28, 30));

TEST_P(UniformResidues, LieBelowThePrime) {
  const Modulus q(ntt_primes(1u << GetParam(), 1u << 14, 3)[2]);
  constexpr size_t kCells = 997;
  constexpr size_t kCount = 4'000'000;
  std::vector<uint32_t> draws(kCount);
  Xof stream(random_seed(), Label("test").view());
  sample_uniform(stream, q, draws);
  std::vector<double> counts(kCells), expected(kCells, kCount / static_cast<double>(kCells));
  for (const uint32_t draw : draws) {
    ASSERT_LT(draw, q.value());
    ++counts[static_cast<size_t>(uint64_t{draw} * kCells / q.value())];
  }
  EXPECT_LT(chi_square(counts, expected), chi_square_limit(kCells));
}

TEST(SampleUniform, RepeatsForOneSeedAndLabelAlone) {
  const Modulus q = fast_params()->modulus(0);
  const auto expanded = [&](const Seed& seed, std::string_view label) {
    std::vector<uint32_t> out(4096);
    Xof stream(seed, Label(label).view());
    sample_uniform(stream, q, out);
    return out;
  };
  const Seed seed = random_seed();
  EXPECT_EQ(expanded(seed, "a"), expanded(seed, "a"));
  EXPECT_NE(expanded(seed, "a"), expanded(seed, "b"));
  EXPECT_NE(expanded(seed, "a"), expanded(random_seed(), "a"));
}

}  // namespace
}  // namespace cryptotl
