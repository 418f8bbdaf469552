#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cryptotl/network/network.h"

namespace cryptotl {

// The activations that act on each element alone.

inline double value(const Relu&, double u) { return std::max(u, 0.0); }
inline double value(const Sigmoid&, double u) { return 1 / (1 + std::exp(-u)); }
inline double value(const Tanh&, double u) { return std::tanh(u); }
/// u times the standard normal distribution's share below u; erfc keeps its digits where u is far below 0.
inline double value(const Gelu&, double u) { return 0.5 * u * std::erfc(-u / std::numbers::sqrt2); }

}  // namespace cryptotl
