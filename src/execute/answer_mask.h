#pragma once

#include "cryptotl/base/random.h"
#include "cryptotl/base/secret_buffer.h"
#include "cryptotl/execute/latency.h"

namespace cryptotl {

/// Names the stream of an answer's mask. An input under a seed is named by the seed: a seed serves one
/// message, which servers hold to (SeedLedger), so that masks can be drawn before their input exists.
Label mask_label(const Params& params, const LatencyKeys& keys, const Seed& seed);
/// One without a seed by its parts.
Label mask_label(const Params& params, const LatencyKeys& keys, const Ciphertext& input);

/// What is added to an answer before it is switched, in coefficient form: a fresh encryption of zero, random
/// numbers where no output is, and Gaussian noise (LatencyPlan). All of it follows from a secret of the
/// program's and from the input, so that the same input never gets two masks, which could be averaged away.
class AnswerMask {
 public:
  /// `trusting` leaves out all that is not asked for: random numbers where outputs shall be alone, and
  /// output_noise, stay.
  AnswerMask(const LatencyPlan& plan, const Encoder& encoder, bool trusting);

  /// That there is nothing to add.
  bool empty() const { return trusting_ && random_limit_ == 0 && output_deviation_ == 0; }

  void add_to(RnsPolynomial& c0, RnsPolynomial& c1, const Params& params, const ZeroEncryption& zero,
              Xof& stream);

 private:
  void draw_other_slots(Xof& stream);
  void draw_outputs(Xof& stream);
  void add_other_slots(const Params& params, RnsPolynomial& c0, Xof& stream);

  const LatencyPlan& plan_;
  const Encoder& encoder_;
  bool trusting_;
  double random_limit_;
  double other_deviation_;
  double output_deviation_;  ///< of the noise of an output
  /// That it is drawn for outputs alone, in double precision. Else for every coefficient, exactly: where a
  /// bound rests on it.
  bool in_slots_;
  std::vector<Complex> slots_;  ///< random ones
  std::vector<int64_t> words_;
  std::vector<WideInteger> noise_;
  SecretBuffer<double> normals_;
};

}  // namespace cryptotl
