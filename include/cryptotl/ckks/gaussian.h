#pragma once

#include <cstdint>
#include <span>

#include "cryptotl/base/random.h"

namespace cryptotl {

/// A signed integer of 128 bits, for noise that is wider than 63 bits.
using WideInteger = __int128;

/// The largest standard deviation that sample_gaussian() takes.
inline constexpr double kLargestGaussianDeviation = 0x1p122;

/// Independent Gaussians of mean 0 and this standard deviation, each rounded to the nearest integer. Added to
/// integers they are the rounding of integers plus continuous Gaussian noise, so whatever holds of that noise
/// holds of them, too: rounding comes after it. Box and Muller's method (1958) in double precision, from 128
/// uniform bits where the tail needs them: a density is right to a part of 2^-45, and nothing beyond 2^-100
/// is cut off. Above 2^40 one of 2^36 on the integers and the rest on a grid of 2^32, made
/// likewise, are added up, which is right to exp(-2 pi^2 16^2) (Micciancio and Peikert, eprint 2013/069,
/// section 3.3, on such sums). Takes logarithms and sines of secret numbers, and hence is not constant-time.
/// Throws invalid_argument for a negative deviation, one that is not finite and one above
/// kLargestGaussianDeviation.
void sample_gaussian(double deviation, std::span<WideInteger> out);
/// The same from a secret stream: for noise that has to come again.
void sample_gaussian_from(Xof& stream, double deviation, std::span<WideInteger> out);

/// Independent Gaussians of mean 0 and deviation 1, in double precision, from a secret stream. Marsaglia and
/// Tsang's ziggurat (2000) of 256 layers: several times as quick as sample_gaussian(), for noise on which no
/// bound rests, since values of one layer lie on a grid (of 2^-51 and less). Not constant-time.
void sample_normal_from(Xof& stream, std::span<double> out);

}  // namespace cryptotl
