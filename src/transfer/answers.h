#pragma once

#include <vector>

#include "cryptotl/base/bytes.h"
#include "cryptotl/ckks/secret_key.h"
#include "cryptotl/plan/program_plan.h"

namespace cryptotl {

/// The coefficients of a server's answer. Throws malformed where it is not what the plan calls for, or is
/// under another key.
std::vector<double> decrypt_answer(ByteView answer, const ProgramPlan& plan, const SecretKey& secret);

}  // namespace cryptotl
