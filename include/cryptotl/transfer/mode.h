#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cryptotl/service/metadata.h"

namespace cryptotl {

/// How inputs go through the server: one by one, each with an answer of its own in milliseconds, or in
/// batches of thousands that each take seconds.
enum class Mode { automatic, latency, batch };
std::string_view name(Mode mode);  ///< "auto", "latency", "batch"
std::optional<Mode> mode_named(std::string_view name);

/// In which of the kinds of batches that a server offers (ModelMetadata::batches, at least one) the next go
/// of so many inputs: the largest while they fill it, then the one that takes the rest in the least time.
size_t next_batch(std::span<const BatchMetadata> offers, size_t inputs);
/// All of them, in turn.
std::vector<size_t> batches_of(std::span<const BatchMetadata> offers, size_t inputs);

struct ModeChoice {
  Mode mode = Mode::latency;
  std::string reason;  ///< one line
};

/// What takes the server less time for so many inputs by what it says of itself, or the mode that is asked
/// for. `encrypted`: a device encrypted the inputs, which goes one by one only. Throws invalid_argument where
/// batches are asked for and cannot be had.
ModeChoice choose_mode(Mode asked, size_t inputs, const ModelMetadata& model, bool encrypted);

}  // namespace cryptotl
