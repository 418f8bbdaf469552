#include "cryptotl/base/matrix.h"

#include <algorithm>

#include "cryptotl/base/error.h"

namespace cryptotl {

Matrix take_rows(const Matrix& matrix, std::span<const size_t> indices) {
  Matrix out(indices.size(), matrix.cols);
  for (size_t i = 0; i < indices.size(); ++i) {
    CRYPTOTL_ASSERT(indices[i] < matrix.rows);
    std::ranges::copy(matrix.row(indices[i]), out.row(i).begin());
  }
  return out;
}

}  // namespace cryptotl
