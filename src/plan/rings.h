#pragma once

#include <cstddef>

namespace cryptotl {

/// log2 of the ring degrees that the planner weighs, and calibration prepares for.
inline constexpr size_t kSmallestRing = 12;
inline constexpr size_t kLargestRing = 15;

}  // namespace cryptotl
