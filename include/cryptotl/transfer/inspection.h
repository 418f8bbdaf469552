#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "cryptotl/base/error.h"

namespace cryptotl {

/// What a file or folder of ours is and says of itself: a ciphertext, encrypted inputs, evaluation keys, a
/// secret or public key (their headers alone are read), a key folder, a plan for devices, a head, a plain
/// network, or a model with its plan, parameters and predicted error. `kind` names which. Secrets are never
/// in it. malformed for anything else, and for a file that does not have the length that its header states.
Result<nlohmann::json> inspect(const std::filesystem::path& path);

}  // namespace cryptotl
