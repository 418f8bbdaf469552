#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cryptotl/ckks/encoder.h"

namespace cryptotl {

/// The canonical embedding of the conjugate-invariant ring: slot k < N of m = a_0 + sum a_i (X^i + X^-i) is
/// the real number m(zeta^(3^k)) / scale with zeta = exp(i pi / 2N) (Kim and Song, eprint 2018/952). The N
/// coefficients are the lower half of those that the cyclotomic encoder of 2N dimensions gives. Const calls
/// are safe from several threads.
class RealEncoder {
 public:
  explicit RealEncoder(size_t log_n) : encoder_(log_n + 1) {}

  size_t slots() const { return encoder_.slots(); }

  /// round(scale times the inverse embedding) of up to N slots (missing ones are 0): N coefficients. Throws
  /// too_large as Encoder::encode.
  std::vector<int64_t> encode(std::span<const double> values, double scale) const;

  /// The slots of N real coefficients.
  std::vector<double> decode(std::span<const double> coefficients, double scale) const;

  /// The largest absolute slot of a secret's coefficients; leaves no trace of it in memory.
  double largest_slot(std::span<const int8_t> secret) const;

 private:
  Encoder encoder_;
};

}  // namespace cryptotl
