#pragma once

#include <cstdint>
#include <span>

#include "cryptotl/base/random.h"

namespace cryptotl {

/// Standard deviation of the error: centred binomial with eta = 21, the difference of two sums of 21 bits.
inline constexpr double kErrorDeviation = 3.24037034920393;  // sqrt(21 / 2)

/// Uniform in {-1, 0, 1}, from a stream that the system's generator seeds. Constant-time but for the count of
/// rejected bytes, which does not depend on what is kept.
void sample_ternary(std::span<int8_t> out);
/// The same from a secret stream: for masks that have to come again.
void sample_ternary_from(Xof& stream, std::span<int8_t> out);
/// Centred binomial with eta = 21, likewise. Constant-time.
void sample_error(std::span<int8_t> out);
/// The same from a secret stream: for errors that have to come again.
void sample_error_from(Xof& stream, std::span<int8_t> out);

}  // namespace cryptotl
