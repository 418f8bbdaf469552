#pragma once

#include <nlohmann/json.hpp>

#include "cryptotl/transfer/extractor.h"

namespace cryptotl {

/// Adds what the passes took and how many rows were clipped and flagged; nothing where there were none.
void add_extraction(nlohmann::json& json, const std::optional<Extraction>& extraction);

}  // namespace cryptotl
