#pragma once

#include <string_view>

#include "cryptotl/ckks/evaluation_key.h"
#include "cryptotl/ckks/public_key.h"

namespace cryptotl {

// Of a client's keys, on their way into a program. `what` begins the messages: whose keys they are.

/// parameter_mismatch for keys under other parameters or of two secrets.
Status check_key_set(const Params& params, const EvaluationKeys& keys, const PublicKey& public_key,
                     std::string_view what);
/// missing_key, which names it, where the set lacks a key.
Result<const SwitchingKey*> find_key(const EvaluationKeys& keys, const KeyRequest& wanted,
                                     std::string_view what);

}  // namespace cryptotl
