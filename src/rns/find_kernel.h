#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// The one of these kernels with this name; throws invalid_argument, which names them all, where there is
/// none. `what` says what they are, such as "kernels".
template <typename Kernel>
const Kernel& find_kernel(std::span<const Kernel* const> available, std::string_view what,
                          std::string_view wanted) {
  std::string known;
  for (const Kernel* kernel : available) {
    if (kernel->name == wanted) return *kernel;
    known += known.empty() ? "" : ", ";
    known += kernel->name;
  }
  throw Error(ErrorCode::invalid_argument,
              std::string(what) + " '" + std::string(wanted) + "': this machine runs " + known + " only");
}

}  // namespace cryptotl
