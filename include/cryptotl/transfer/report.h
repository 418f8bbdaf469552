#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cryptotl {

/// One self-contained page (no script, no outside file) from what `cryptotl evaluate --json` prints: the
/// table of the settings, and whatever of few-shot curve, ROC, precision-recall, learning curves, latency
/// histogram and confusion matrix the evaluation has. Text from outside is escaped. Throws invalid_argument
/// where `rows` is missing.
std::string report_html(const nlohmann::json& evaluation);

}  // namespace cryptotl
