#pragma once

#include <nlohmann/json.hpp>

#include "cryptotl/transfer/extractor.h"

namespace cryptotl {

/// Adds what the passes took (null where every row came from the cache) and how many rows were clipped,
/// flagged and cached; nothing where there was no extraction.
void add_extraction(nlohmann::json& json, const std::optional<Extraction>& extraction);

/// " (3 from the cache)", or nothing.
std::string from_cache(const std::optional<Extraction>& extraction);

}  // namespace cryptotl
