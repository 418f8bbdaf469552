#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cryptotl {

/// Under which conditions decrypted values leave the key's owner.
struct ReleasePolicy {
  /// Vectors that will ever be released under this secret key, by release() with this policy; at least 1.
  double releases = 1024;
  /// Of security, as Li, Micciancio, Schultz and Sorrell count them: 1 to 128. Whoever sees all releases
  /// tells them from releases of exact values plus the same noise with a Kullback-Leibler divergence of at
  /// most 2^-(bits + 7), hence a statistical distance of at most 2^-(bits / 2 + 4).
  double bits = 30;
};

/// The standard deviation of the noise that release() adds to each of `values` numbers whose error is at most
/// `error`: 8 sqrt(releases values) error 2^(bits/2) (Li, Micciancio, Schultz and Sorrell, "Securing
/// Approximate Homomorphic Encryption Using Differential Privacy", eprint 2022/816, the Gaussian mechanism of
/// section 4), and an eighth of it more for what rounding adds to the error. Throws invalid_argument for no
/// values, for an error that is not a positive number, and for a policy out of its bounds.
double release_deviation(double error, size_t values, const ReleasePolicy& policy = {});

/// What may be passed on of decrypted values. The error of an approximate scheme's decryption depends on the
/// secret key, and whoever knows the ciphertexts recovers the key from a few raw decryptions
/// (key_recovery.h): so raw ones stay with the key's owner. Here each value is rounded to a grid far below
/// the noise, so that no bit of a double escapes it (Mironov 2012), and gets fresh Gaussian noise of
/// release_deviation() on that grid. `error` bounds the absolute error of every value, such as a plan's
/// predicted_error. All that follows from the result may be passed on, too; the values themselves must then
/// go nowhere else. Needed wherever somebody who may know or have made ciphertexts gets decrypted numbers or
/// what depends on all their digits; labels that follow from them tell something of the digits, too, and cost
/// as a release does. Throws as release_deviation, and too_large where a value is beyond 2^62 units of the
/// grid.
std::vector<double> release(std::span<const double> values, double error, const ReleasePolicy& policy = {});

}  // namespace cryptotl
