#pragma once

#include "cryptotl/plan/latency_plan.h"

namespace cryptotl {

/// Nanoseconds of the parts of a pass, in one ring and with so many special primes.
class PassCost {
 public:
  PassCost(const KernelSpeeds& speeds, size_t log_n, size_t special_primes);

  /// Baby steps, diagonals and giant steps.
  double products(size_t limbs, size_t diagonals, size_t baby_steps) const;
  /// A fold by so many keys.
  double fold(size_t limbs, size_t keys) const;
  /// Division by P and `drop` primes, of both parts.
  double mod_down(size_t limbs, size_t drop) const;
  /// A pair of `limbs` limbs from coefficients, divided by one prime more.
  double rescale_to_ntt(size_t limbs) const;
  /// An encryption of zero, in coefficient form.
  double encryption_of_zero(size_t limbs) const;
  /// `count` rotations of `decomposed` ciphertexts, by keys that are used again and again.
  double rotations(size_t limbs, size_t decomposed, size_t count) const;
  /// A sum of so many rotated ciphertexts, divided by P and `drop` primes at once.
  double rotated_sum(size_t limbs, size_t drop, size_t count) const;
  /// A product of ciphertexts, relinearised and rescaled.
  double product(size_t limbs, size_t drop) const;
  /// Bytes of a switching key as it travels.
  double key_bytes(size_t limbs) const;

 private:
  double digits(size_t limbs) const;
  double extended(size_t limbs) const;
  double transforms(double count) const;
  double key_words(size_t limbs) const;
  double passes(double count) const;
  double decomposition(size_t limbs) const;
  double switching_transforms(size_t limbs) const;

  const KernelSpeeds speeds_;
  double n_;
  double log_n_;
  size_t special_;
};

/// Nanoseconds of each product of activation i.
std::vector<double> product_costs(const PassCost& cost, const ProgramPlan& plan, size_t i);

/// The baby steps of least cost for every matrix of the plan, whose chain of primes is set: time, and what
/// the keys' transfer and memory are worth. Returns that sum for the whole plan.
double choose_splits(LatencyPlan& plan, const KernelSpeeds& speeds);

}  // namespace cryptotl
