#pragma once

#include <cstddef>

namespace cryptotl {

// What a table may hold at most; anything beyond is refused (too_large) before memory is taken for it.
inline constexpr size_t kMaxTableBytes = size_t{1} << 30;  ///< a CSV, NPY or label file
inline constexpr size_t kMaxTableRows = size_t{1} << 22;
inline constexpr size_t kMaxTableColumns = size_t{1} << 16;  ///< label column included
inline constexpr size_t kMaxTableValues = size_t{1} << 28;   ///< rows times feature columns: 2 GiB of doubles
inline constexpr size_t kMaxNpyHeaderBytes = size_t{1} << 16;  ///< NumPy itself writes 118
inline constexpr size_t kMaxClasses = 1024;                    ///< more distinct labels are hardly classes

}  // namespace cryptotl
