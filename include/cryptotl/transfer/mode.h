#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cryptotl/service/metadata.h"

namespace cryptotl {

/// How inputs go through the server: one by one, each with an answer of its own in milliseconds, or in
/// batches of thousands that each take seconds.
enum class Mode { automatic, latency, batch };
std::string_view name(Mode mode);  ///< "auto", "latency", "batch"
std::optional<Mode> mode_named(std::string_view name);

struct ModeChoice {
  Mode mode = Mode::latency;
  std::string reason;  ///< one line
};

/// What takes the server less time for so many inputs by what it says of itself, or the mode that is asked
/// for. `encrypted`: a device encrypted the inputs, which goes one by one only. Throws invalid_argument where
/// batches are asked for and cannot be had.
ModeChoice choose_mode(Mode asked, size_t inputs, const ModelMetadata& model, bool encrypted);

}  // namespace cryptotl
