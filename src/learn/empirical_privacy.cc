#include "cryptotl/learn/empirical_privacy.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cryptotl/base/error.h"

namespace cryptotl {
namespace {

constexpr double kLargestEpsilon = 64;
constexpr double kStep = 1e-6;

void require(bool holds, const std::string& why) {
  if (!holds) throw Error(ErrorCode::invalid_argument, "audit: " + why);
}

void require_confidence(double confidence) {
  require(confidence > 0 && confidence < 1, "a confidence between 0 and 1 is right");
}

double binomial(size_t hits, size_t trials, double probability) {
  const auto n = static_cast<double>(trials), k = static_cast<double>(hits);
  if (probability <= 0) return hits == 0 ? 1 : 0;
  if (probability >= 1) return hits == trials ? 1 : 0;
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                  k * std::log(probability) + (n - k) * std::log1p(-probability));
}

/// Where `rising`, which rises over [low, high], reaches `value`: from below, to `step`.
template <typename Function>
double solve(double low, double high, double step, double value, const Function& rising) {
  while (high - low > step) {
    const double middle = (low + high) / 2;
    (rising(middle) < value ? low : high) = middle;
  }
  return low;
}

}  // namespace

double binomial_upper_tail(size_t hits, size_t trials, double probability) {
  double sum = 0;
  for (size_t i = trials + 1; i-- > hits;) sum += binomial(i, trials, probability);
  return std::min(sum, 1.0);
}

ProportionBounds clopper_pearson(size_t hits, size_t trials, double confidence) {
  require(trials > 0 && hits <= trials, "hits of at least one trial are right, and no more than trials");
  require_confidence(confidence);
  constexpr double kFine = 1e-9;
  const double beyond = (1 - confidence) / 2;
  ProportionBounds out;
  if (hits > 0)
    out.low = solve(0, 1, kFine, beyond, [&](double p) { return binomial_upper_tail(hits, trials, p); });
  if (hits < trials) {
    // P[X <= hits] at p is P[X >= trials - hits] at 1 - p.
    out.high = 1 - solve(0, 1, kFine, beyond,
                         [&](double p) { return binomial_upper_tail(trials - hits, trials, p); });
  }
  return out;
}

double one_run_p_value(const CanaryGuesses& guessed, double epsilon, double delta) {
  const double likely = 1 / (1 + std::exp(-epsilon));
  const double tail = binomial_upper_tail(guessed.right, guessed.guesses, likely);
  // The most that delta can add: of all i the largest P[right - i <= W < right] / i.
  double largest = 0, sum = 0;
  for (size_t i = 1; delta > 0 && i <= guessed.right; ++i) {
    sum += binomial(guessed.right - i, guessed.guesses, likely);
    largest = std::max(largest, sum / static_cast<double>(i));
  }
  return std::min(1.0, tail + 2 * static_cast<double>(guessed.canaries) * delta * largest);
}

double one_run_epsilon(const CanaryGuesses& guessed, double delta, double confidence) {
  require(guessed.right <= guessed.guesses && guessed.guesses <= guessed.canaries,
          "right guesses are no more than guesses, and these no more than canaries");
  require(delta >= 0 && delta < 1, "a delta from 0 to below 1 is right");
  require_confidence(confidence);
  const auto p_value = [&](double epsilon) { return one_run_p_value(guessed, epsilon, delta); };
  if (p_value(0) >= 1 - confidence) return 0;
  return solve(0, kLargestEpsilon, kStep, 1 - confidence, p_value);
}

}  // namespace cryptotl
