#pragma once

#include "cryptotl/base/error.h"

namespace cryptotl {

inline Error refusal(const std::string& why) { return Error(ErrorCode::invalid_argument, why); }

}  // namespace cryptotl
