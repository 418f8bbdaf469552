#include "learn/privacy_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "training_backend.h"

namespace cryptotl {
namespace {

constexpr double kStepTail = 1e-16;      // of one step's losses, beyond the grid on either side
constexpr double kTail = 1e-12;          // of all steps'
constexpr double kSteps = 2000;          // of the grid in a deviation of the composed loss, about
constexpr size_t kMostPoints = 1 << 22;  // of a composed grid

/// P(a < Z <= b) of a standard Gaussian, exact relative to the smaller tail.
double between(double a, double b) {
  if (a > 0) return 0.5 * (std::erfc(a / std::sqrt(2)) - std::erfc(b / std::sqrt(2)));
  return 0.5 * (std::erfc(-b / std::sqrt(2)) - std::erfc(-a / std::sqrt(2)));
}

/// The pair of densities that a step's output has with and without the example, in units of the clipping
/// length, as functions of where the output lies: (1 - rate) N(0, noise^2) + rate N(1, noise^2) and N(0,
/// noise^2).
struct Pair {
  double rate;
  double noise;

  double with(double a, double b) const {
    return (1 - rate) * between(a / noise, b / noise) + rate * between((a - 1) / noise, (b - 1) / noise);
  }
  double without(double a, double b) const { return between(a / noise, b / noise); }
  /// log(with / without), rising with x.
  double loss(double x) const {
    const double exponent = (2 * x - 1) / (2 * noise * noise);
    if (exponent > 500) return exponent + std::log(rate);
    return std::log1p(rate * std::expm1(exponent));
  }
  /// Where it is `loss`.
  double where(double value) const {
    const double rest = (std::expm1(value) + rate) / rate;
    if (rest <= 0) return -std::numeric_limits<double>::infinity();
    return noise * noise * (value > 500 ? value - std::log(rate) : std::log(rest)) + 0.5;
  }
};

/// The largest window that all masses of one step need: beyond it the Gaussians hold less than kStepTail.
struct Window {
  double low, high;
};

Window window_of(const Pair& pair) {
  constexpr double kReach = 8.3;  // deviations of a Gaussian that leave kStepTail
  const double low = pair.loss(-kReach * pair.noise);
  const double high = pair.loss(1 + kReach * pair.noise);
  return {low, high};
}

}  // namespace

double PrivacyLoss::delta(double epsilon) const {
  double sum = infinite;
  for (size_t i = masses.size(); i-- > 0;) {
    if (at(i) <= epsilon) break;
    sum += masses[i] * -std::expm1(epsilon - at(i));
  }
  return sum;
}

// Losses between two points of the grid are shared out to both so that the masses of both distributions stay
// as they are: a part a to the lower point with a e^-low + (1 - a) e^-high = e^-loss. Every divergence at a
// point stays exact, every one between is at least as large.
PrivacyLoss privacy_loss(const SampledGaussian& mechanism, Neighbour neighbour, double step) {
  const Pair pair{mechanism.sampling_rate, mechanism.noise_multiplier};
  const Window window = window_of(pair);
  const bool removed = neighbour == Neighbour::removed;
  // With the example added, losses are those of the inverse ratio under the other density.
  const double low = removed ? window.low : -window.high;
  const double high = removed ? window.high : -window.low;
  PrivacyLoss out;
  out.step = step;
  out.first = static_cast<int64_t>(std::floor(low / step));
  const auto last = static_cast<int64_t>(std::ceil(high / step));
  out.masses.assign(static_cast<size_t>(last - out.first + 1), 0);
  constexpr double kEverything = std::numeric_limits<double>::infinity();
  const auto place = [&](double loss) { return pair.where(removed ? loss : -loss); };
  const auto masses = [&](double from, double to) {
    // of the upper and the lower distribution of the pair
    const double a = removed ? from : to, b = removed ? to : from;
    const double with = pair.with(a, b), without = pair.without(a, b);
    return removed ? std::pair{with, without} : std::pair{without, with};
  };
  double from = place(out.at(0));
  const auto below = masses(removed ? -kEverything : kEverything, from);
  out.masses[0] += below.first;  // rounded up
  for (size_t i = 0; i + 1 < out.masses.size(); ++i) {
    const double to = place(out.at(i + 1));
    const auto [upper, lower] = masses(from, to);
    const double part = (lower * std::exp(out.at(i)) - upper * std::exp(-step)) / -std::expm1(-step);
    const double share = std::clamp(part, 0.0, upper);
    out.masses[i] += share;
    out.masses[i + 1] += upper - share;
    from = to;
  }
  out.infinite = masses(from, removed ? kEverything : -kEverything).first;
  return out;
}

namespace {

/// log E[e^(weight loss)], the infinite part left out.
double log_transform(const PrivacyLoss& loss, double weight) {
  double highest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < loss.masses.size(); ++i) {
    if (loss.masses[i] > 0) highest = std::max(highest, std::log(loss.masses[i]) + weight * loss.at(i));
  }
  double sum = 0;
  for (size_t i = 0; i < loss.masses.size(); ++i) {
    if (loss.masses[i] > 0) sum += std::exp(std::log(loss.masses[i]) + weight * loss.at(i) - highest);
  }
  return highest + std::log(sum);
}

/// Where the sum of all losses lies but for `tail` on the side of `sign` (Chernoff's bound at the best of
/// many weights).
double bound_of(const std::vector<PrivacyLoss>& losses, const std::vector<size_t>& times, double tail,
                double sign) {
  double best = std::numeric_limits<double>::infinity();
  for (double weight = 1e-3; weight < 1e4; weight *= 1.5) {
    double sum = -std::log(tail);
    for (size_t i = 0; i < losses.size(); ++i)
      sum += static_cast<double>(times[i]) * log_transform(losses[i], sign * weight);
    if (std::isfinite(sum)) best = std::min(best, sum / weight);
  }
  return sign * best;
}

}  // namespace

PrivacyLoss compose(const std::vector<PrivacyLoss>& losses, const std::vector<size_t>& times, double tail) {
  const double step = losses.front().step;
  const double low = bound_of(losses, times, tail / 4, -1);
  const double high = bound_of(losses, times, tail / 4, 1);
  PrivacyLoss out;
  out.step = step;
  out.first = static_cast<int64_t>(std::floor(low / step));
  size_t points = 1;
  while (points < static_cast<size_t>(std::ceil((high - low) / step)) + 2) points *= 2;
  // Each factor is laid round the window at its own place modulo the window.
  std::vector<std::vector<double>> factors;
  double finite = 1;
  for (size_t i = 0; i < losses.size(); ++i) {
    std::vector<double> wrapped(points);
    for (size_t j = 0; j < losses[i].masses.size(); ++j) {
      const int64_t place = losses[i].first + static_cast<int64_t>(j);
      const auto size = static_cast<int64_t>(points);
      wrapped[static_cast<size_t>((place % size + size) % size)] += losses[i].masses[j];
    }
    factors.push_back(std::move(wrapped));
    finite *= std::pow(1 - losses[i].infinite, static_cast<double>(times[i]));
  }
  const std::vector<double> sums = training_backend().cyclic_convolution(factors, times);
  out.masses.resize(points);
  for (size_t i = 0; i < points; ++i) {
    const auto size = static_cast<int64_t>(points);
    const int64_t place = out.first + static_cast<int64_t>(i);
    out.masses[i] = std::max(0.0, sums[static_cast<size_t>((place % size + size) % size)]);
  }
  out.infinite = 1 - finite + tail;
  return out;
}

double tight_epsilon(std::span<const SampledGaussian> mechanisms, double delta) {
  const double renyi = renyi_epsilon(mechanisms, delta);  // checks all, and says what scale to work at
  std::vector<size_t> times;
  for (const SampledGaussian& mechanism : mechanisms) times.push_back(mechanism.steps);
  if (mechanisms.empty()) return 0;
  double worst = 0;
  for (const Neighbour neighbour : {Neighbour::removed, Neighbour::added}) {
    double step = std::clamp(renyi / kSteps, 1e-5, 1e-2);
    PrivacyLoss composed;
    for (;; step *= 2) {
      std::vector<PrivacyLoss> losses;
      for (const SampledGaussian& mechanism : mechanisms)
        losses.push_back(privacy_loss(mechanism, neighbour, step));
      composed = compose(losses, times, kTail);
      if (composed.masses.size() <= kMostPoints) break;
    }
    if (composed.delta(std::numeric_limits<double>::max()) >= delta)
      return std::numeric_limits<double>::infinity();
    double low = 0, high = composed.at(composed.masses.size());
    if (composed.delta(0) <= delta) continue;
    while (high - low > 1e-6 * high) {
      const double middle = (low + high) / 2;
      (composed.delta(middle) > delta ? low : high) = middle;
    }
    worst = std::max(worst, high);
  }
  return std::min(worst, renyi);
}

double noise_multiplier_for(double epsilon, double delta, double sampling_rate, size_t steps) {
  constexpr double kMost = 1000;
  const auto within = [&](double noise) {
    const SampledGaussian mechanism{sampling_rate, noise, steps};
    return tight_epsilon({&mechanism, 1}, delta) <= epsilon;
  };
  if (!within(kMost)) {
    throw Error(ErrorCode::invalid_argument, "privacy: no noise up to 1000 keeps " + std::to_string(steps) +
                                                 " steps within an epsilon of " + std::to_string(epsilon));
  }
  double low = 1e-2, high = kMost;
  while (high / low > 1.001) {
    const double middle = std::sqrt(low * high);
    (within(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace cryptotl
