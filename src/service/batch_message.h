#pragma once

#include <string>
#include <string_view>

#include "cryptotl/service/client.h"

namespace cryptotl {

/// Where a server takes batches, this stands among its extensions.
inline constexpr const char* kBatchExtension = "cryptotl_batches";

/// The end of a batch's answer: JSON behind the rows, filled up with spaces to this length. What it tells is
/// known only once the rows have been made.
inline constexpr size_t kBatchTailBytes = 1024;

std::string write_batch_tail(uint64_t number, const BatchTimes& times);
/// malformed unless it is the tail of this batch.
Result<BatchTimes> read_batch_tail(std::string_view tail, uint64_t number);

std::string write_batch_state(const BatchState& state);
Result<BatchState> read_batch_state(std::string_view text);

}  // namespace cryptotl
