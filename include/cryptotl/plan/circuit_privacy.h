#pragma once

#include <cstddef>
#include <string>

namespace cryptotl {

struct BatchPlan;
struct LatencyPlan;

/// What is asked of the noise in answers: that so many of them tell the key's owner nothing of the network
/// beyond their outputs, up to a statistical distance of 2^-statistical_bits.
struct PrivacyGoal {
  double statistical_bits = 0;  ///< 0 asks for nothing; at most kMostPrivacyBits
  double answers = 1024;        ///< to one client, ever; at least 1, at most kMostPrivateAnswers
  bool operator==(const PrivacyGoal&) const = default;
};
inline constexpr double kMostPrivacyBits = 64;
inline constexpr double kMostPrivateAnswers = 1e9;

// Noise flooding (Gentry 2009, chapter 21). Whoever holds the secret key reads an answer's noise. What
// computing left there depends on the weights; a Gaussian on top hides it where it is much wider. Two
// Gaussians of one deviation whose means differ by `shift` deviations have Renyi divergences alpha shift^2 /
// 2 and the statistical distance erf(shift / sqrt(8)); answers that a client asks for one after the other,
// each as it likes, add up to a shift of sqrt(answers) times as much (Dong, Roth and Su, arXiv 1905.02383, on
// the composition of Gaussian mechanisms). docs/security.md has the argument for answers as they are sent.

/// Deviations of an output's noise that its error is taken to stay within: beyond with probability 2^-188 a
/// Gaussian, or twice what the model of the noise predicts at 2^-50.
inline constexpr double kEvaluationTail = 16;

/// How far all N parts of an answer's slots are moved, at most, in deviations of Gaussian noise, where each
/// is moved by errors of `deviation`: sqrt(N) kEvaluationTail deviation / noise_deviation. Infinite without
/// noise.
double privacy_shift(size_t n, double deviation, double noise_deviation);
/// The same of a plan's answers: by evaluation under the flood, and by the rounding of the last matrix where
/// no output is, under other_deviation, too.
double privacy_shift(const LatencyPlan& plan);
/// Of so many answers, each moved by `shift`.
double statistical_distance(double shift, double answers);
/// -log2 of it, also where the distance is too small for a double's difference from 1.
double statistical_bits(double shift, double answers);
/// The Renyi divergence of order `alpha` of so many answers, in nats.
double renyi_divergence(double shift, double answers, double alpha);
/// The largest shift with which the goal is reached.
double shift_for(const PrivacyGoal& goal);

/// What a plan's noise hides, in words for people.
std::string describe_privacy(const LatencyPlan& plan, double answers = PrivacyGoal{}.answers);
std::string describe_privacy(const BatchPlan& plan);

}  // namespace cryptotl
