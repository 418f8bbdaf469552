#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cryptotl/base/bytes.h"

namespace cryptotl {

/// The object as a file's bytes, with a member `digest` over all others.
std::string seal_json(nlohmann::json object);

/// The object back, without its digest. malformed where the bytes are not exactly those that seal_json would
/// write.
Result<nlohmann::json> open_sealed_json(ByteView bytes, const std::filesystem::path& path);

}  // namespace cryptotl
