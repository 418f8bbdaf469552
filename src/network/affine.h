#pragma once

#include <span>

#include "cryptotl/base/matrix.h"

namespace cryptotl {

/// weight x + bias for every row x of `rows`, as [rows][weight.rows]. Each sum runs over the inputs in order
/// and starts at zero, so that a row's answer does not depend on the rows beside it.
Matrix affine(const Matrix& weight, std::span<const double> bias, const Matrix& rows);

}  // namespace cryptotl
