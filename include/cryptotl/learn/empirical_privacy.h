#pragma once

#include <cstddef>

namespace cryptotl {

/// Bounds on a probability.
struct ProportionBounds {
  double low = 0;
  double high = 1;
};

/// P[X >= hits] for X binomial of `trials` draws that each succeed with `probability`.
double binomial_upper_tail(size_t hits, size_t trials, double probability);

/// Two-sided bounds on the probability behind `hits` of `trials` independent draws, each side failing with
/// (1 - confidence) / 2 at most (Clopper and Pearson, Biometrika 26, 1934). Throws invalid_argument for more
/// hits than trials, no trials, or a confidence outside (0, 1).
ProportionBounds clopper_pearson(size_t hits, size_t trials, double confidence);

/// Guesses of which canaries a training had seen. Each of `canaries` was in by a fair coin of its own;
/// `guesses` of them were guessed at, the others passed over, and `right` guesses were right.
struct CanaryGuesses {
  size_t canaries = 0;
  size_t guesses = 0;
  size_t right = 0;
};

/// The most probable that so many right guesses, or more, are where the training is (epsilon, delta)-private
/// against one row more or less (Steinke, Nasr and Jagielski, arXiv 2305.08846, theorem 5.2, in the form of
/// their appendix D). No assumption on training, canaries or guesser; the coins alone must be fair,
/// independent, and known to nobody but the trainer.
double one_run_p_value(const CanaryGuesses& guessed, double epsilon, double delta);

/// The largest epsilon, to 1e-6, that the guesses refute at this confidence: where the training is
/// (epsilon', delta)-private, this exceeds epsilon' with a probability of at most 1 - confidence. 0 where
/// they refute none. Throws invalid_argument where the counts do not fit, or for a delta outside [0, 1) or a
/// confidence outside (0, 1).
double one_run_epsilon(const CanaryGuesses& guessed, double delta, double confidence);

}  // namespace cryptotl
