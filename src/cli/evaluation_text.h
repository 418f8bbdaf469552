#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cryptotl {

/// What evaluate() found, as tables and lines for a terminal.
std::string evaluation_text(const nlohmann::json& evaluation);

}  // namespace cryptotl
