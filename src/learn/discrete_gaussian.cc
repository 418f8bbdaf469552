#include "learn/discrete_gaussian.h"

#include <algorithm>
#include <cmath>

namespace cryptotl {
namespace {

constexpr uint64_t kSteps = uint64_t{1} << kLogNoiseSteps;

std::span<uint8_t> bytes_of(std::span<uint64_t> words) {
  return {reinterpret_cast<uint8_t*>(words.data()), words.size_bytes()};
}

}  // namespace

DiscreteGaussian::DiscreteGaussian(const Seed& seed) : bits_(seed, Label("privacy noise").view()) {}

uint64_t DiscreteGaussian::word() {
  if (used_ == words_.size()) {
    bits_.fill(bytes_of(words_));
    used_ = 0;
  }
  return words_[used_++];
}

/// Uniform and exact: the words that would favour some numbers are drawn again (Lemire, arXiv 1805.10941).
uint64_t DiscreteGaussian::below(uint64_t bound) {
  auto product = static_cast<unsigned __int128>(word()) * bound;
  while (static_cast<uint64_t>(product) < (0 - bound) % bound) {
    product = static_cast<unsigned __int128>(word()) * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

bool DiscreteGaussian::one_in(uint64_t count) { return count == 1 || below(count) == 0; }

/// True with probability exp(-x) for x = numerator / 2^log_denominator in [0, 1]: the first k at which a coin
/// of x / k falls is odd with that probability.
bool DiscreteGaussian::exp_of_fraction(uint64_t numerator, int log_denominator) {
  uint64_t k = 1;
  while ((word() >> (64 - log_denominator)) < numerator && one_in(k)) ++k;
  return k % 2 == 1;
}

/// The same for any x, as so many coins of exp(-1) and one of the rest.
bool DiscreteGaussian::exp_of(unsigned __int128 numerator, int log_denominator) {
  const uint64_t one = uint64_t{1} << log_denominator;
  for (auto whole = static_cast<uint64_t>(numerator >> log_denominator); whole > 0; --whole) {
    if (!exp_of_fraction(one, log_denominator)) return false;
  }
  return exp_of_fraction(static_cast<uint64_t>(numerator) & (one - 1), log_denominator);
}

/// Whole numbers in proportion to exp(-|y| / 2^kLogNoiseSteps).
int64_t DiscreteGaussian::draw_laplace() {
  for (;;) {
    const uint64_t part = word() >> (64 - kLogNoiseSteps);
    if (!exp_of_fraction(part, kLogNoiseSteps)) continue;
    uint64_t whole = 0;
    while (exp_of_fraction(kSteps, kLogNoiseSteps)) ++whole;
    const auto size = static_cast<int64_t>(part + (whole << kLogNoiseSteps));
    const bool negative = (word() >> 63) != 0;
    if (negative && size == 0) continue;  // or 0 would count twice
    return negative ? -size : size;
  }
}

int64_t DiscreteGaussian::draw() {
  for (;;) {
    const int64_t laplace = draw_laplace();
    const int64_t beyond = (laplace < 0 ? -laplace : laplace) - static_cast<int64_t>(kSteps);
    const auto distance = static_cast<unsigned __int128>(beyond < 0 ? -beyond : beyond);
    if (exp_of(distance * distance, 2 * kLogNoiseSteps + 1)) return laplace;
  }
}

PoissonSampler::PoissonSampler(const Seed& seed, double rate)
    : bits_(seed, Label("privacy sampling").view()),
      // A double has 53 bits, so this is exact but for rates below 2^-11, which lose their last ones.
      threshold_(rate >= 1 ? static_cast<unsigned __int128>(1) << 64
                           : static_cast<unsigned __int128>(std::floor(std::ldexp(rate, 64)))) {}

std::vector<int64_t> PoissonSampler::draw(size_t count) {
  constexpr size_t kBlock = 4096;
  std::vector<int64_t> out;
  std::vector<uint64_t> words(std::min(count, kBlock));
  for (size_t first = 0; first < count; first += words.size()) {
    bits_.fill(bytes_of(words));
    for (size_t i = first; i < std::min(count, first + words.size()); ++i) {
      if (words[i - first] < threshold_) out.push_back(static_cast<int64_t>(i));
    }
  }
  return out;
}

}  // namespace cryptotl
