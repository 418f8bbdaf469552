#pragma once

#include <cstddef>
#include <span>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// Steps of DP-SGD: each takes every example with probability sampling_rate (Poisson sampling), clips what an
/// example brings to length 1 and adds Gaussian noise of deviation noise_multiplier. Neighbours differ by one
/// example, there or not (Abadi et al., arXiv 1607.00133). With a sampling rate of 1 it is the Gaussian
/// mechanism.
struct SampledGaussian {
  double sampling_rate = 1;
  double noise_multiplier = 1;
  size_t steps = 1;
  bool operator==(const SampledGaussian&) const = default;
};

/// invalid_argument unless 0 < sampling_rate <= 1 and the noise multiplier is a number above 0.
Status check_mechanism(const SampledGaussian& mechanism);

/// The Renyi divergence of order `order` > 1 between neighbours, all steps together, in nats (Mironov, Talwar
/// and Zhang, arXiv 1908.10530).
double renyi_divergence(const SampledGaussian& mechanism, double order);

/// The least epsilon at this delta that the Renyi divergences of many orders prove of all mechanisms
/// together, by the conversion of Balle, Barthe, Gaboardi, Hsu and Sato (arXiv 1905.09982). Loose by some
/// percent to some tens. Throws invalid_argument for a mechanism that check_mechanism() refuses or a delta
/// outside (0, 1).
double renyi_epsilon(std::span<const SampledGaussian> mechanisms, double delta);

/// The same from privacy loss distributions: on a grid that is an upper bound for every epsilon at once and
/// exact at its points ("connect the dots", Doroshenko, Ghazi, Kamath, Kumar and Manurangsi, arXiv
/// 2207.04380), composed by FFT. An upper bound, tight to about 0.1 %. Infinity where delta is below what the
/// truncated tails leave (1e-12).
double tight_epsilon(std::span<const SampledGaussian> mechanisms, double delta);

/// The least noise multiplier, to 0.1 % above, at which so many steps stay within epsilon at delta by
/// tight_epsilon(). Throws invalid_argument where none up to 1000 does.
double noise_multiplier_for(double epsilon, double delta, double sampling_rate, size_t steps);

}  // namespace cryptotl
