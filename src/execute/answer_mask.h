#pragma once

#include "cryptotl/base/digest.h"
#include "cryptotl/execute/latency.h"

namespace cryptotl {

/// Names an encrypted input for the masks of its answer: a hash of its key's id, c_0, and c_1 or the seed
/// that stands for it.
Digest input_digest(const Ciphertext& input);

/// What is added to an answer before it is switched, in coefficient form: a fresh encryption of zero, random
/// numbers where no output is, and Gaussian noise (LatencyPlan). All of it follows from a secret of the
/// program's and from the input, so that the same input never gets two masks, which could be averaged away.
class AnswerMask {
 public:
  /// `trusting` leaves out all that is not asked for: random numbers where outputs shall be alone, and
  /// output_noise, stay.
  AnswerMask(const LatencyPlan& plan, const Encoder& encoder, bool trusting);

  void add_to(RnsPolynomial& c0, RnsPolynomial& c1, const Params& params, const ZeroEncryption& zero,
              Xof& stream);

 private:
  void draw_other_slots(Xof& stream);
  void add_other_slots(const Params& params, RnsPolynomial& c0, Xof& stream);

  const LatencyPlan& plan_;
  const Encoder& encoder_;
  bool trusting_;
  double random_limit_;
  double other_deviation_;
  double deviation_;            ///< of the noise of a coefficient
  std::vector<Complex> slots_;  ///< random ones
  std::vector<int64_t> words_;
  std::vector<WideInteger> noise_;
};

}  // namespace cryptotl
