#pragma once

#include <cstddef>
#include <functional>

#include "cryptotl/base/progress.h"

namespace cryptotl {

/// Calls body(i) for every i < count on `threads` threads (0: all that the machine has), reports progress
/// from one thread at a time, and throws what the first of the failed bodies threw, when all are done.
///
/// Each body computes on one thread: independent fits side by side are faster than threads inside one, whose
/// matrices are small, and no result depends on the number of threads.
void run_all(size_t count, size_t threads, const std::function<void(size_t)>& body,
             const ProgressFunction& progress);

}  // namespace cryptotl
