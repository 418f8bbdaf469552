#pragma once

#include <functional>

#include "cryptotl/network/approximation.h"

namespace cryptotl {

/// minimax() for one fixed degree from 0 on, on an interval that minimax() takes. The error is that of the
/// polynomial as it is returned, rounding included.
Approximation remez(const std::function<double(double)>& function, Interval interval, size_t degree);

}  // namespace cryptotl
